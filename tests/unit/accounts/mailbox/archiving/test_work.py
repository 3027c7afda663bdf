"""A night archives what is meant, once, wherever it is killed; an undo puts back what is still there."""

import datetime
from pathlib import Path

import pytest
from malleposte.accounts.mailbox.archiving import acts, work
from malleposte.accounts.mailbox.archiving.model import DONE, Choice
from malleposte.accounts.mailbox.archiving.store import Store
from malleposte.accounts.mailbox.hours import messages
from malleposte.core.errors import InputError, MallepostError

from tests.unit.accounts.mailbox.archiving.box import Box, KilledError

NOW = datetime.datetime(2026, 12, 1, 2, 20).timestamp()  # noqa: DTZ001  # of the zone here
SEEN = "\\Seen"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work.time, "time", lambda: NOW)
    monkeypatch.setattr(acts, "label", lambda: "Fait")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def night(store: Store, box: Box, months: int = 6, *, done: bool = False, now: float = NOW) -> int:
    acts.choose(store, "mdupond", Choice(months, done))
    return work.archive(store, "mdupond", now, box.run)


@pytest.mark.parametrize(
    ("months", "done", "archived"),
    [
        (6, False, {"Archives/2024": ["deux ans"], "Archives/2025": ["fait", "un an"], "Archives/2026": ["mai"]}),
        (12, False, {"Archives/2024": ["deux ans"], "Archives/2025": ["fait", "un an"]}),
        (24, False, {"Archives/2024": ["deux ans"]}),
        (6, True, {"Archives/2025": ["fait"]}),
        (0, False, {}),
    ],
)
def test_what_is_archived(store: Store, months: int, done: bool, archived: dict[str, list[str]]) -> None:
    box = Box()
    for guid, day, *flags in (
        ("juin", "2026-06-01"), ("mai", "2026-05-31"), ("deux ans", "2024-11-30"), ("non lu", "2024-01-01", ""),
        ("marqué", "2024-01-01", SEEN, "\\Flagged"), ("effacé", "2024-01-01", SEEN, "\\Deleted"),
        ("fait", "2025-01-02", SEEN, DONE), ("un an", "2025-11-30"),
    ):  # fmt: skip
        box.add(guid, day, *flags)
    box.add("rappel", "2024-01-01", folder="Rappeler/Demain 8 h")
    before = len(box.guids("INBOX"))
    many = sum(map(len, archived.values()))
    assert night(store, box, months, done=done) == many
    assert {name: sorted(box.guids(name)) for name in box.folders if name.startswith("Archives/")} == archived
    assert len(box.guids("INBOX")) == before - many and box.guids("Rappeler/Demain 8 h") == ["rappel"]
    assert box.subscribed == set(archived)
    assert night(store, box, months, done=done) == 0


@pytest.mark.parametrize(
    ("months", "now", "day"),
    [
        (6, "2026-12-01", "2026-06-01"), (6, "2026-08-31", "2026-02-28"), (12, "2028-02-29", "2027-02-28"),
        (24, "2026-01-15", "2024-01-15"), (6, "2026-03-31", "2025-09-30"),
    ],
)  # fmt: skip
def test_the_age_is_of_months(months: int, now: str, day: str) -> None:
    at = datetime.datetime.fromisoformat(f"{now}T02:20")
    assert Choice(months).before(at) == datetime.datetime.fromisoformat(f"{day}T00:00")


def test_flags_and_dates_are_kept_and_come_back(store: Store) -> None:
    box = Box()
    box.add("a", "2025-01-02", SEEN, "\\Answered", "$label2")
    before = [(one.guid, one.received, one.flags) for one in box.folders["INBOX"]]
    night(store, box)
    assert [(one.guid, one.received, one.flags) for one in box.folders["Archives/2025"]] == before
    assert work.undo(store, "mdupond", int(NOW), box.run) == 1
    assert [(one.guid, one.received, one.flags) for one in box.folders["INBOX"]] == before
    assert box.guids("Archives/2025") == []


def filled() -> Box:
    box = Box()
    for number in range(3):
        box.add(f"a{number}", "2024-05-05")
        box.add(f"b{number}", "2025-05-05")
    box.add("neuf", "2026-11-30")
    return box


NIGHT_STEPS, UNDO_STEPS = 10, 13
"""Steps of the commands of a night and of an undo of `filled`."""


def test_these_are_all_steps(store: Store) -> None:
    box = filled()
    night(store, box)
    assert (box.steps, box.recounted) == (NIGHT_STEPS, 1)
    work.undo(store, "mdupond", int(NOW), box.run)
    assert (box.steps, box.recounted) == (NIGHT_STEPS + UNDO_STEPS, 2)


@pytest.mark.parametrize("kill", range(1, NIGHT_STEPS + 1))
def test_a_night_that_is_killed_anywhere_is_ended_by_the_next_one(store: Store, kill: int) -> None:
    box = filled()
    box.kill = kill
    acts.choose(store, "mdupond", Choice(6))
    with pytest.raises(KilledError):
        work.archive(store, "mdupond", NOW, box.run)
    box.kill = 0
    assert work.archive(store, "mdupond", NOW + 86400, box.run) in range(7)
    assert sorted(box.guids("Archives/2024")) == ["a0", "a1", "a2"]
    assert sorted(box.guids("Archives/2025")) == ["b0", "b1", "b2"]
    assert box.guids("INBOX") == ["neuf"]
    kept = store.read("mdupond")
    assert sum(kept.untold.values()) == 6 and not any(one.open for one in kept.moved)
    assert sorted(guid for one in kept.moved for part in one.folders.values() for guid in part) == [
        "a0", "a1", "a2", "b0", "b1", "b2",
    ]  # fmt: skip


@pytest.mark.parametrize("kill", range(1, UNDO_STEPS + 1))
def test_an_undo_that_is_killed_anywhere_is_ended_by_the_next_one(store: Store, kill: int) -> None:
    box = filled()
    night(store, box)
    box.kill, box.steps = kill, 0
    with pytest.raises(KilledError):
        work.undo(store, "mdupond", int(NOW), box.run)
    box.kill = 0
    assert work.undo(store, "mdupond", int(NOW), box.run) in range(7)
    assert sorted(box.guids("INBOX")) == ["a0", "a1", "a2", "b0", "b1", "b2", "neuf"]
    assert box.guids("Archives/2024") == box.guids("Archives/2025") == []
    assert store.read("mdupond").moved == ()


def test_an_undo_leaves_what_the_agent_moved_on_and_ends_the_archiving(store: Store) -> None:
    box = filled()
    box.add("vieux", "2025-01-01", folder="Archives/2025")
    night(store, box)
    box.folders["Projets"] = [one for one in box.folders["Archives/2024"] if one.guid == "a1"]
    box.folders["Archives/2024"] = [one for one in box.folders["Archives/2024"] if one.guid != "a1"]
    assert work.undo(store, "mdupond", int(NOW), box.run) == 5
    assert sorted(box.guids("INBOX")) == ["a0", "a2", "b0", "b1", "b2", "neuf"]
    assert box.guids("Projets") == ["a1"] and box.guids("Archives/2025") == ["vieux"]
    assert acts.state(store, "mdupond").choice == Choice(0) and work.archive(store, "mdupond", NOW, box.run) == 0
    with pytest.raises(InputError, match="no such work"):
        work.undo(store, "mdupond", int(NOW), box.run)


def test_thirty_days_later_nothing_can_be_undone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    box = filled()
    night(store, box)
    monkeypatch.setattr(work.time, "time", lambda: NOW + 30 * 86400)
    assert acts.state(store, "mdupond").moved == ()
    with pytest.raises(InputError):
        work.undo(store, "mdupond", int(NOW), box.run)
    assert len(box.guids("INBOX")) == 1


def test_a_large_inbox_is_archived_some_a_night_the_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MOST", 4)
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    box = filled()
    assert night(store, box) == 4
    assert sorted(box.guids("Archives/2024")) == ["a0", "a1", "a2"] and box.guids("Archives/2025") == ["b0"]
    assert night(store, box, now=NOW + 86400) == 2
    assert box.guids("INBOX") == ["neuf"]


def test_a_suspended_account_is_left_as_it_is(store: Store) -> None:
    box = filled()
    box.kill = 5
    with pytest.raises(KilledError):
        night(store, box)
    kept = store.read("mdupond")
    box.kill, box.closed = 0, True
    assert work.archive(store, "mdupond", NOW + 86400, box.run) == 0
    assert store.read("mdupond") == kept and kept.moved[0].open
    with pytest.raises(MallepostError, match="closed"):
        work.undo(store, "mdupond", int(NOW), box.run)


def test_who_changes_it_at_that_moment_is_not_waited_for(store: Store) -> None:
    box = filled()
    acts.choose(store, "mdupond", Choice(6))
    with store.alone("mdupond"):
        assert work.archive(store, "mdupond", NOW, box.run) == 0
    assert work.archive(store, "mdupond", NOW, box.run) == 6
