"""The probe's passwords are renewed in time, whenever it is interrupted."""

import datetime
import json
from pathlib import Path

import pytest
from malleposte.probe import accounts, passwords

from tests.support.classes import CLASSES
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
TODAY = datetime.date(2027, 9, 1)


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory()


@pytest.fixture
def table(tmp_path: Path, directory: MemoryDirectory) -> Path:
    path = tmp_path / "probe-accounts.json"
    accounts.seed_agents(directory, accounts.probe_agents(DOMAIN, CLASSES), path)
    return path


def rows(table: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(table.read_text("utf-8"))
    return found


def opens(directory: MemoryDirectory, table: Path) -> bool:
    return all(
        directory.log_in(agent.dn(directory.suffix), rows(table)[agent.uid]["password"]).ok
        for agent in accounts.probe_agents(DOMAIN, CLASSES)
    )


def test_new_ones_are_not_due_and_old_or_unknown_ones_are(table: Path) -> None:
    seeded = datetime.date.fromisoformat(rows(table)["probe1"]["since"])
    assert not passwords.due(table, seeded + datetime.timedelta(days=passwords.DAYS))
    assert passwords.due(table, seeded + datetime.timedelta(days=passwords.DAYS + 1))
    known = rows(table)
    del known["probe2"]["since"]
    table.write_text(json.dumps(known), "utf-8")
    assert passwords.due(table, seeded)


def test_renewed_ones_open_and_the_old_ones_do_not(directory: MemoryDirectory, table: Path) -> None:
    before = rows(table)
    directory.modify(f"uid=probe1,ou=people,{directory.suffix}", {"mpState": ["expired"]})
    passwords.renew(directory, DOMAIN, CLASSES, table, TODAY)
    assert opens(directory, table)
    assert not passwords.due(table, TODAY)
    assert [row["password"] for row in rows(table).values()] != [row["password"] for row in before.values()]
    assert directory.entries[f"uid=probe1,ou=people,{directory.suffix}"].attributes["mpState"] == ["active"]


class Cut(Exception):
    """The run ends here."""


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_whatever_was_interrupted_is_made_good(
    directory: MemoryDirectory, table: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = directory.set_password, 0

    def cut(dn: str, password: str, changes: dict[str, list[str]]) -> None:
        nonlocal done
        if at == done * 2:
            raise Cut
        real(dn, password, changes)
        if at == done * 2 + 1:
            raise Cut
        done += 1

    with monkeypatch.context() as patch:
        patch.setattr(directory, "set_password", cut)
        with pytest.raises(Cut):
            passwords.renew(directory, DOMAIN, CLASSES, table, TODAY)
    assert passwords.due(table, TODAY)
    passwords.renew(directory, DOMAIN, CLASSES, table, TODAY)
    assert opens(directory, table)
    assert not any("next" in row for row in rows(table).values())
