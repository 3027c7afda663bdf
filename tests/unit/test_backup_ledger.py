"""What a vault remembers, and what it concludes: an archive that has gone, and which ones are surplus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from malleposte.backup import keeper
from malleposte.backup.ledger import Entry, Ledger

NOW = datetime(2015, 6, 30, 7, 30, tzinfo=UTC)
RULES = {"daily": 3, "weekly": 2, "monthly": 2}


def nightly(days: int, source: str = "system") -> Ledger:
    """A ledger of one archive a night, seen the morning after."""
    ledger = Ledger()
    for back in range(days):
        seen = NOW - timedelta(days=back)
        ledger.archives[f"{source}-{back}"] = Entry(f"{source}@{seen:%Y%m%d}T010000Z", seen.isoformat())
    return ledger


def present(ledger: Ledger) -> dict[str, str]:
    return {key: entry.name for key, entry in ledger.archives.items()}


def test_an_archive_that_has_gone_is_named() -> None:
    ledger = nightly(3)
    left = present(ledger)
    del left["system-1"]
    assert [one.name for one in ledger.gone(left)] == ["system@20150629T010000Z"]
    ledger.archives["system-1"].leaving = True
    assert ledger.gone(left) == []


def test_an_archive_made_anew_under_the_old_name_does_not_replace_it() -> None:
    ledger = nightly(1)
    assert ledger.gone({"another-id": "system@20150630T010000Z"})


def test_what_no_rule_keeps_is_surplus() -> None:
    ledger = nightly(40)
    kept = sorted(int(key.split("-")[1]) for key in set(ledger.archives) - set(ledger.surplus(RULES)))
    # The last three days; the last day of last week (28 June is a Sunday); the last day of last month.
    assert kept == [0, 1, 2, 30]


def test_a_series_pushes_out_no_other() -> None:
    ledger = nightly(1)
    ledger.archives |= nightly(60, "ldap").archives
    assert "system-0" not in ledger.surplus(RULES)


def test_the_vault_s_own_dates_decide() -> None:
    """A client that makes many archives under old dates today pushes none of the old ones out."""
    ledger = nightly(3)
    ledger.note(present(ledger) | {f"new-{day}": f"system@201506{day:02}T235959Z" for day in range(1, 31)}, NOW)
    assert {"system-1", "system-2"}.isdisjoint(ledger.surplus(RULES))


def test_without_rules_everything_stays() -> None:
    assert nightly(40).surplus({"daily": 0, "weekly": 0, "monthly": 0}) == {}


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "mail1" / "system.json"
    assert Ledger.read(path) is None
    ledger = nightly(2)
    ledger.identity = {"id": "a", "key": "b\nc"}
    ledger.write(path)
    assert Ledger.read(path) == ledger


CONFIG = "[repository]\nversion = 1\nid = {id}\nkey = {key}\n\tmore\n\n"


@pytest.fixture
def repository(tmp_path: Path) -> keeper.Repository:
    settings = keeper.Settings(tmp_path / "borg", tmp_path / "state", {"mail1": ["system"]}, RULES, patience=0)
    found = keeper.Repository(settings, "mail1", "system")
    (found.path / "data" / "0").mkdir(parents=True)
    (settings.root / "mail1" / "lock").touch()
    (found.path / "config").write_text(CONFIG.format(id="a1", key="good"))
    for segment in range(8):
        (found.path / "data" / "0" / str(segment)).write_text(f"segment {segment}")
    for name in ("index.7", "hints.7", "integrity.7"):
        (found.path / name).touch()
    return found


def test_undo_takes_a_repository_back_and_loses_nothing(repository: keeper.Repository) -> None:
    Ledger({}, 5, repository.identity()).write(repository.ledger_path)
    (repository.path / "config").write_text(CONFIG.format(id="a1", key="bad"))
    said = keeper.undo(repository)
    assert said.startswith("mail1/system: back at transaction 5, its key put back; 2 later segments lie in ")
    assert repository.identity() == {"id": "a1", "key": "good\nmore"}
    assert sorted(path.name for path in (repository.path / "data" / "0").iterdir()) == list("012345")
    (aside,) = (repository.settings.root / ".undone").iterdir()
    assert sorted(path.name for path in aside.iterdir()) == ["6", "7", "hints.7", "index.7", "integrity.7"]


def test_a_replaced_key_is_a_fault_with_its_remedy(repository: keeper.Repository) -> None:
    ledger = Ledger({}, 5, {"id": "a1", "key": "other"})
    with pytest.raises(keeper.Fault, match="vault undo --client mail1 --repository system"):
        keeper.compared(repository, {}, ledger)


def test_a_repository_that_has_gone_is_a_fault(repository: keeper.Repository) -> None:
    Ledger({}, 5, repository.identity()).write(repository.ledger_path)
    (repository.path / "config").unlink()
    with pytest.raises(keeper.Fault, match="the repository is gone"):
        keeper.watch(repository)


def test_one_fault_stops_no_other_repository(repository: keeper.Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = keeper.Settings(
        repository.settings.root, repository.settings.state, {"mail1": ["system", "mail"]}, RULES, patience=0
    )
    seen: list[str] = []

    def look(one: keeper.Repository) -> str:
        if one.name == "system":
            raise keeper.Fault("system is not right")
        return one.name

    monkeypatch.setitem(keeper.ACTS, "watch", look)
    assert keeper.act("watch", settings, seen.append) == ["system is not right"]
    assert seen == ["mail"]


def test_an_open_session_keeps_the_keeper_out(repository: keeper.Repository) -> None:
    with keeper.closed(repository.settings, "mail1"):
        assert "a session has been open" in keeper.act("watch", repository.settings, print)[0]
