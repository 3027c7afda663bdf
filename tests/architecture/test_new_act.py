"""`malleposte new-act` writes what the tables and their tests ask, in a copy of the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from malleposte.core.errors import InputError
from malleposte.dev import skeleton_act

from .test_new_service import checkout

__all__ = ["checkout"]
ACT = skeleton_act.Act(
    "quiet_day",
    "Choisir un jour calme",
    "Choose a quiet day",
    "/compte/jour-calme",
    "/en/account/quiet-day",
    store=True,
)
PRODUCTION = ("cli/", "portal/")
MOST = 8
"""Files of production code that a new act touches (docs/develop.md)."""
TESTS = (
    "tests/unit/accountd/test_quiet_day.py", "tests/unit/portal/own/test_quiet_day.py",
    "tests/unit/portal/test_routes.py", "tests/unit/accounts/hosts/test_table.py",
)  # fmt: skip


def test_a_new_act_keeps_the_rules(checkout: Path) -> None:
    written = [str(path) for path in skeleton_act.write(ACT, checkout)]
    assert len([path for path in written if path.startswith(PRODUCTION)]) <= MOST
    collections = checkout / ".ansible/collections/ansible_collections/academie"
    collections.mkdir(parents=True)
    (collections / "malleposte").symlink_to(checkout)
    paths = (checkout / "cli", checkout / "portal", checkout / ".ansible/collections", checkout)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    for words in (
        ["-m", "ruff", "check", "--quiet", "cli", "portal", "tests/unit"],
        ["-m", "ruff", "format", "--check", "--quiet", "cli", "portal", "tests/unit"],
        ["-m", "malleposte.dev.reference"],
        ["-m", "pytest", "-q", *TESTS],
    ):
        done = subprocess.run(
            [sys.executable, *words], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "quiet_day" in (checkout / "docs/reference/accountd.md").read_text("utf-8")


def test_what_is_there_is_left_as_it_is(checkout: Path) -> None:
    before = (checkout / skeleton_act.ROUTES).read_bytes()
    act = skeleton_act.Act("senders", "Filtrage", "Filtering", "/compte/x", "/en/account/x")
    with pytest.raises(InputError, match=r"senders\.\w+ is there already"):
        skeleton_act.write(act, checkout)
    assert (checkout / skeleton_act.ROUTES).read_bytes() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": "Quiet-Day"}, "not a name of an act"),
        ({"address": "/jour-calme"}, "/jour-calme: not an address of an agent's page"),
        ({"english_address": "/compte/quiet"}, "it begins with /en/account/"),
        ({"title": 'Un "jour"'}, "not a title"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, str], message: str) -> None:
    given = {"name": "a", "title": "A", "english": "A", "address": "/compte/a", "english_address": "/en/account/a"}
    skeleton_act.Act(**given)
    with pytest.raises(InputError) as refused:
        skeleton_act.Act(**(given | more))
    assert message in f"{refused.value} {refused.value.hint}"
