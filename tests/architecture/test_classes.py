"""The classes of service are named in the facts alone: a second place with their names would be forgotten."""

import re
import subprocess
from collections.abc import Iterator

from .conftest import ROOT

MAY = ("docs/", "tests/", "inventories/", "meta/facts.yml", "plugins/module_utils/policy/dictionary.py")
"""Files that may name them: facts, inventories, documentation, tests, and the password policy's dictionary."""
TEXTS = (".py", ".yml", ".j2", ".lua", ".sh", ".js", ".html", ".po", ".toml")
NAMED = re.compile(r"\bconvergence\b")
BESIDE = re.compile(
    r"(?:profile|class)[a-z_]*['\"]?\s*(?::\s*[a-z]*\s*=|[:=]|in|==|!=|\|\s*default\()\s*[\[({]?\s*['\"]?(?:sogo|roundcube)\b",
    re.IGNORECASE,
)
"""The other class bears the name of its webmail: a line of a class, or of classes, that says it."""


def second_copies(text: str) -> Iterator[int]:
    """Lines that name a class."""
    for number, line in enumerate(text.splitlines(), 1):
        if NAMED.search(line) or BESIDE.search(line):
            yield number


def test_no_second_place_names_the_classes() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name.endswith(TEXTS) and not name.startswith(MAY)]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        if path.is_file()
        for number in second_copies(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_copies_of_before_would_be_found() -> None:
    before = (
        'PROFILES = ("convergence", "roundcube")',
        "accounts_default_profile: roundcube",
        "accounts_profiles: [roundcube, mixte]",
        '    profile: str = "roundcube"',
        "  profile: \"%{ldap:mpProfile | default('roundcube')}\"",
        "sogo_profiles: [convergence]",
        "if wanted.profile == 'roundcube':",
    )
    assert [text for text in before if not list(second_copies(text))] == []
    now = ('dav_profiles: "{{ __wiring_classes.agendas }}"', 'MAIL = ("sogo", "roundcube")', "class Roundcube:")
    assert [text for text in now if list(second_copies(text))] == []
