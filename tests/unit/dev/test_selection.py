"""The tests that `test --changed` selects and leaves out."""

from __future__ import annotations

import pytest
from malleposte.dev import selection

TESTS = {
    "tests/unit/plugins/filter/test_postfix.py": (
        "from ansible_collections.academie.malleposte.plugins.filter import postfix\n"
    ),
    "tests/unit/accounts/feed/test_feed.py": "from malleposte.accounts import feed\n",
    "tests/unit/test_other.py": "import malleposte.accounts.feedback\nfrom malleposte.accounts import plan\n",
    "tests/architecture/test_docs.py": "(ROOT / 'docs/accounts.md').read_text()\n",
    "tests/stack/shared/mail/test_postfix.py": "from tests.stack.support.mail import compose\n",
    "tests/stack/exclusive/mail/test_crash.py": "from tests.stack.support import power\n",
    "tests/browser/test_portal.py": "",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/unit/accounts/feed/test_feed.py", {"tests/unit/accounts/feed/test_feed.py"}),
        ("cli/malleposte/accounts/feed.py", {"tests/unit/accounts/feed/test_feed.py"}),
        ("plugins/filter/postfix.py", {"tests/unit/plugins/filter/test_postfix.py"}),
        (
            "roles/postfix/templates/x.j2",
            {"tests/unit/plugins/filter/test_postfix.py", "tests/stack/shared/mail/test_postfix.py"},
        ),
        ("tests/stack/support/mail.py", {"tests/stack/shared/mail/test_postfix.py"}),
        ("tests/stack/support/power.py", {"tests/stack/exclusive/mail/test_crash.py"}),
        (
            "tests/stack/conftest.py",
            {"tests/stack/shared/mail/test_postfix.py", "tests/stack/exclusive/mail/test_crash.py"},
        ),
        ("docs/accounts.md", {"tests/architecture/test_docs.py"}),
        ("README.md", set()),
    ],
)
def test_what_a_path_concerns(path: str, expected: set[str]) -> None:
    assert selection.concerned(path, TESTS) == expected


def test_what_is_chosen_is_told_and_what_has_no_test_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "test_files", lambda: TESTS)
    monkeypatch.setattr(selection, "changed_paths", lambda: ["README.md", "cli/malleposte/accounts/feed.py"])
    said: list[str] = []
    assert selection.choose(said.append) == ["tests/architecture/test_docs.py", "tests/unit/accounts/feed/test_feed.py"]
    assert said[1:] == [
        "cli/malleposte/accounts/feed.py: unit/accounts/feed/test_feed.py",
        "no test of their own: README.md",
    ]


def test_the_roles_of_the_repository_name_their_tests() -> None:
    tests = selection.test_files()
    assert {"tests/stack/shared/groupware/test_sogo.py", "tests/browser/test_sogo.py"} <= selection.said_by_role(
        "sogo", tests
    )
    assert "tests/stack/shared/groupware/test_radicale.py" not in selection.said_by_role("sogo", tests)
