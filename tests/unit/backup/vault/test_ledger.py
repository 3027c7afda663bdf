"""The ledger of a backup server and its conclusions: an archive that has gone, and surplus ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from malleposte.backup.vault import maintenance, repair
from malleposte.backup.vault.ledger import REMEMBERED, Claim, Entry, Ledger

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
def repository(tmp_path: Path) -> maintenance.Repository:
    settings = maintenance.Settings(tmp_path / "borg", tmp_path / "state", {"mail1": ["system"]}, RULES, patience=0)
    found = maintenance.Repository(settings, "mail1", "system")
    (found.path / "data" / "0").mkdir(parents=True)
    for name in ("lock", "gate"):
        (settings.root / "mail1" / name).touch()
    (found.path / "config").write_text(CONFIG.format(id="a1", key="good"))
    for segment in range(8):
        (found.path / "data" / "0" / str(segment)).write_text(f"segment {segment}")
    for name in ("index.7", "hints.7", "integrity.7"):
        (found.path / name).touch()
    return found


def test_undo_takes_a_repository_back_and_loses_nothing(repository: maintenance.Repository) -> None:
    Ledger({}, 5, repository.identity()).write(repository.ledger_path)
    (repository.path / "config").write_text(CONFIG.format(id="a1", key="bad"))
    said = repair.undo(repository)
    assert said.startswith("mail1/system: back at transaction 5, its key put back; 2 later segments lie in ")
    assert repository.identity() == {"id": "a1", "key": "good\nmore"}
    assert sorted(path.name for path in (repository.path / "data" / "0").iterdir()) == list("012345")
    (aside,) = (repository.settings.root / ".undone").iterdir()
    assert sorted(path.name for path in aside.iterdir()) == ["6", "7", "hints.7", "index.7", "integrity.7"]


def test_a_replaced_key_is_a_fault_with_its_remedy(repository: maintenance.Repository) -> None:
    ledger = Ledger({}, 5, {"id": "a1", "key": "other"})
    with pytest.raises(maintenance.Fault, match="vault undo --client mail1 --repository system"):
        maintenance.compared(repository, {}, ledger)


def test_a_repository_that_has_gone_is_a_fault(repository: maintenance.Repository) -> None:
    Ledger({}, 5, repository.identity()).write(repository.ledger_path)
    (repository.path / "config").unlink()
    with pytest.raises(maintenance.Fault, match="the repository is gone"):
        maintenance.watch(repository)


def test_one_fault_stops_no_other_repository(
    repository: maintenance.Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = maintenance.Settings(
        repository.settings.root, repository.settings.state, {"mail1": ["system", "mail"]}, RULES, patience=0
    )
    seen: list[str] = []

    def look(one: maintenance.Repository, _made: object) -> str:
        if one.name == "system":
            raise maintenance.Fault("system is not right")
        return one.name

    monkeypatch.setitem(maintenance.ACTS, "watch", look)
    monkeypatch.setattr(maintenance, "claims", lambda _settings, _client: {})
    assert maintenance.act("watch", settings, seen.append) == ["system is not right"]
    assert seen == ["mail"]


def test_an_open_session_keeps_the_keeper_out(repository: maintenance.Repository) -> None:
    with maintenance.closed(repository.settings, "mail1"):
        assert "a session has been open" in maintenance.act("watch", repository.settings, print)[0]


MADE = {
    "a" * 8: Claim("system", "ldap@20260314T010000Z", "2026-03-14T01:00:00.000000Z"),
    "b" * 8: Claim("system", "system@20260314T010001Z", "2026-03-14T01:00:01.000000Z"),
}


def test_an_archive_deleted_before_the_vault_s_first_look_is_noticed(repository: maintenance.Repository) -> None:
    both = {key: one.name for key, one in MADE.items()}
    assert maintenance.compared(repository, both, None, MADE).archives == {}
    left = {"b" * 8: "system@20260314T010001Z"}
    for ledger in (None, Ledger({}, 5, repository.identity())):
        with pytest.raises(
            maintenance.Fault, match="gone before this vault first saw them: ldap@20260314T010000Z"
        ) as told:
            maintenance.compared(repository, left, ledger, MADE)
        assert "vault accept --client mail1 --repository system" in str(told.value)
    # A client that says nothing, as those of before, is believed to have made nothing.
    assert maintenance.compared(repository, left, None, {})


def test_what_the_vault_removed_and_what_was_taken_back_is_not_asked_for(repository: maintenance.Repository) -> None:
    ledger = Ledger(identity=repository.identity())
    now = datetime(2026, 3, 14, 2, tzinfo=UTC)
    ledger.note({key: one.name for key, one in MADE.items()}, now)
    ledger.archives["a" * 8].leaving = True
    ledger.note({"b" * 8: "system@20260314T010001Z"}, now)
    assert ledger.never_seen({"b" * 8: ""}, MADE) == []
    ledger.write(repository.ledger_path)
    read = Ledger.read(repository.ledger_path)
    assert read is not None and set(read.removed) == {"a" * 8}
    ledger.note({"b" * 8: ""}, now + timedelta(days=REMEMBERED + 1))
    assert ledger.removed == {}, "it is told no longer either"
    assert [one.name for one in ledger.never_seen({}, MADE)] == ["ldap@20260314T010000Z"]
    ledger.excused = "2026-03-14T01:00:01+00:00"
    assert ledger.never_seen({"b" * 8: ""}, MADE) == []


def test_what_has_gone_can_be_given_up(repository: maintenance.Repository) -> None:
    Ledger({"c": Entry("ldap@1", "2026-03-01T00:00:00+00:00")}, 5, repository.identity()).write(repository.ledger_path)
    with pytest.raises(maintenance.Fault, match=r"ldap@1 \(seen"):
        maintenance.compared(repository, {}, Ledger.read(repository.ledger_path))
    repair.accept(repository)
    assert maintenance.compared(repository, {}, Ledger.read(repository.ledger_path), MADE)


def test_what_is_still_there_after_a_deletion_that_failed_does_not_leave() -> None:
    """If it goes later, somebody else has removed it."""
    ledger = nightly(2)
    now = datetime(2026, 3, 14, 2, tzinfo=UTC)
    for entry in ledger.archives.values():
        entry.leaving = True
    left = present(ledger)
    ledger.note(left, now)
    assert not any(entry.leaving for entry in ledger.archives.values())
    name = left.pop("system-1")
    assert [one.name for one in ledger.gone(left)] == [name]


def test_a_deletion_that_fails_leaves_nothing_marked(
    repository: maintenance.Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {key: one.name for key, one in MADE.items()}

    class Refusing:
        def run(self, *words: str, **_more: object) -> None:
            if "delete" in words:
                raise maintenance.BorgError("the disk is full", 2)

    ledger = Ledger(identity=repository.identity())
    ledger.note(there, datetime(2026, 3, 14, 2, tzinfo=UTC))
    ledger.write(repository.ledger_path)
    monkeypatch.setattr(maintenance.Repository, "borg", lambda _self: Refusing())
    monkeypatch.setattr(maintenance.Repository, "present", lambda _self, _borg: dict(there))
    monkeypatch.setattr(maintenance.Repository, "transaction", lambda _self: 1)
    monkeypatch.setattr(Ledger, "surplus", lambda self, _rules: dict(self.archives))
    with pytest.raises(maintenance.BorgError, match="the disk is full"):
        maintenance.prune(repository)
    read = Ledger.read(repository.ledger_path)
    assert read is not None and len(read.archives) == len(there)
    assert not any(entry.leaving for entry in read.archives.values())
