"""The mover: what is due, once, after stops and clocks that were set; who fails is named and tried again."""

import datetime
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from malleposte.accounts.mailbox.hours import mover, moves
from malleposte.accounts.mailbox.hours.due import Due
from malleposte.accounts.mailbox.hours.model import Change, Hours, Slot
from malleposte.accounts.mailbox.hours.mover import Mover
from malleposte.accounts.mailbox.hours.moves import Box
from malleposte.accounts.mailbox.hours.store import Store, Through
from malleposte.core.errors import MallepostError
from malleposte.platform.mailstore import home_of

from tests.unit.accounts.mailbox.hours.chosen import choose

WEEK = Hours(True, (Slot((1, 2, 3, 4, 5), "08:00", "18:00"),))
ROUND = Hours(True, (Slot((1, 2, 3, 4, 5), "00:00", "24:00"),), ("08:00",))


@pytest.fixture(autouse=True)
def paris() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Paris"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


class Stage:
    """A store, a mover, and a clock of its own; a move empties the folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.now, self.steady = root, 0.0, 0.0
        self.store = Store(root, Through((), "postmaster@ac-exemple.test"))
        self.moved: list[list[Box]] = []
        self.settled: list[str] = []
        self.failing: set[str] = set()
        self.said: list[str] = []
        self.at("2026-12-01T07:00")
        self.mover = self.new()

    def new(self) -> Mover:
        (self.root / "state").mkdir(exist_ok=True)
        made = Mover(self.root, self.root / "state", self.store, self.move, self.settled.append,
                     lambda: self.now, lambda: self.steady)  # fmt: skip
        made.begin()
        return made

    def at(self, text: str) -> None:
        """Let time pass until then."""
        later = datetime.datetime.fromisoformat(text).timestamp()
        self.steady += later - self.now
        self.now = later

    def folder(self, uid: str, name: str = "Hors horaires") -> Path:
        return home_of(uid, self.root) / f"Maildir/.{name}/new".replace("Rappeler/", "Rappeler.")

    def arrives(self, uid: str, filed: str, name: str = "Hors horaires") -> None:
        folder = self.folder(uid, name)
        folder.mkdir(parents=True, exist_ok=True)
        second = int(datetime.datetime.fromisoformat(filed).timestamp())
        (folder / f"{second}.M1P{len(list(folder.iterdir()))}.mail1,S=10").touch()

    def move(self, boxes: Sequence[Box]) -> list[str]:
        self.moved.append(list(boxes))
        for one in boxes:
            files = sorted(self.folder(one.uid, one.due.folder).iterdir())
            if one.due.recalled and one.due.before:
                files = [file for file in files if int(file.name.partition(".")[0]) < one.due.before]
            for file in [] if one.uid in self.failing else files[: moves.MOST]:
                file.unlink()
        return [one.uid for one in boxes if one.uid in self.failing]

    def look(self) -> list[str]:
        """The uids of the boxes that were moved from."""
        self.moved.clear()
        self.mover.look()
        return [one.uid for batch in self.moved for one in batch]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)
    monkeypatch.setattr(mover.kit, "say", made.said.append)
    return made


def test_mail_moves_when_the_slot_begins_and_not_before(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.arrives("sans-horaires", "2026-12-01T06:00")
    assert stage.look() == []
    stage.at("2026-12-01T07:59:59")
    assert stage.look() == []
    stage.at("2026-12-01T08:00")
    assert stage.look() == ["mdupond"]
    assert stage.look() == []


def test_mail_that_was_on_its_way_to_the_folder_follows_soon(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.at("2026-12-01T08:00")
    assert stage.look() == []
    stage.arrives("mdupond", "2026-12-01T07:59:59")
    stage.at("2026-12-01T08:01")
    assert stage.look() == ["mdupond"]


def test_what_a_stop_missed_is_moved_afterwards_and_no_more_than_that(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.arrives("mdupond", "2026-12-01T19:00")
    stage.at("2026-12-01T20:00")
    stage.mover = stage.new()
    assert stage.look() == ["mdupond"]
    (batch,) = stage.moved
    evening = int(datetime.datetime.fromisoformat("2026-12-01T18:00").timestamp())
    assert batch == [Box("mdupond", 1, Due(before=evening))]


def test_mail_of_the_evening_alone_waits_for_the_morning(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T19:00")
    stage.at("2026-12-01T20:00")
    stage.mover = stage.new()
    assert stage.look() == []
    stage.at("2026-12-02T08:00")
    assert stage.look() == ["mdupond"]


def test_a_round_takes_what_waits_and_what_comes_later_waits(stage: Stage) -> None:
    choose(stage.store, "mdupond", ROUND)
    stage.arrives("mdupond", "2026-12-01T07:30")
    assert stage.look() == []
    stage.at("2026-12-01T08:00:02")
    assert stage.look() == ["mdupond"]
    stage.arrives("mdupond", "2026-12-01T08:05")
    for moment in ("2026-12-01T08:06", "2026-12-01T12:00", "2026-12-02T07:59"):
        stage.at(moment)
        assert stage.look() == []
    stage.at("2026-12-02T08:00")
    assert stage.look() == ["mdupond"]


def test_a_clock_that_is_set_forward_or_back_is_believed(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.look()
    stage.now += 3600
    assert stage.look() == ["mdupond"]
    stage.now -= 3 * 3600
    stage.arrives("mdupond", "2026-12-01T06:10")
    assert stage.look() == []
    stage.now += 3 * 3600
    assert stage.look() == ["mdupond"]
    assert len(stage.said) == 3


def test_hours_that_are_turned_off_give_at_once_what_waits(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T06:00")
    assert stage.look() == []
    choose(stage.store, "mdupond", Hours(slots=WEEK.slots))
    assert stage.look() == ["mdupond"]


def test_boxes_of_a_process_that_ended_are_settled_before_they_move_again(stage: Stage) -> None:
    for uid in ("mdupond", "jmartin"):
        choose(stage.store, uid, WEEK)
        stage.arrives(uid, "2026-12-01T06:00")
    stage.at("2026-12-01T08:00")

    def killed(_boxes: Sequence[Box]) -> list[str]:
        raise KeyboardInterrupt

    stage.mover.move = killed
    with pytest.raises(KeyboardInterrupt):
        stage.mover.look()
    assert sorted(json.loads((stage.root / "state/moving.json").read_text())) == ["jmartin", "mdupond"]
    stage.mover = stage.new()
    assert sorted(stage.look()) == ["jmartin", "mdupond"] == sorted(stage.settled)
    assert not (stage.root / "state/moving.json").exists()
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.at("2026-12-01T09:00")
    assert stage.look() == ["mdupond"] and len(stage.settled) == 2


def test_a_box_that_fails_is_tried_again_and_stops_no_other(stage: Stage) -> None:
    for uid in ("mdupond", "jmartin"):
        choose(stage.store, uid, WEEK)
        stage.arrives(uid, "2026-12-01T06:00")
    stage.failing = {"jmartin"}
    stage.at("2026-12-01T08:00")
    assert sorted(stage.look()) == ["jmartin", "mdupond"]
    assert stage.look() == []
    stage.failing = set()
    stage.at("2026-12-01T08:02:01")
    assert stage.look() == ["jmartin"] == stage.settled


def test_a_file_that_cannot_be_read_is_named_and_stops_no_other(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    choose(stage.store, "abime", WEEK)
    (stage.root / ".hours/abime.sieve").write_text("?", "utf-8")
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.at("2026-12-01T08:00")
    assert stage.look() == ["mdupond"]
    assert any("abime.sieve" in line for line in stage.said)


def test_hours_that_could_not_be_read_at_the_start_are_read_once_they_can_be(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uid in ("a", "b"):
        choose(stage.store, uid, WEEK)
        stage.arrives(uid, "2026-12-01T06:00")
    refresh, failing, asked = stage.store.refresh, ["a"], list[str]()

    def full(uid: str) -> Hours:
        asked.append(uid)
        if uid in failing:
            raise OSError("no room")
        return refresh(uid)

    monkeypatch.setattr(stage.store, "refresh", full)
    stage.at("2026-12-01T08:00")
    assert stage.mover.look() == 1
    stage.at("2026-12-01T08:01")
    assert stage.mover.look() == 0 and asked == ["a", "b"], "not at each look"
    failing.clear()
    stage.at("2026-12-01T08:03")
    assert stage.mover.look() == 1 and asked == ["a", "b", "a"]


def test_an_account_that_ended_is_watched_no_more(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.look()
    assert list(stage.mover.watched) == ["mdupond"]
    stage.store.forget("mdupond")
    stage.look()
    assert stage.mover.watched == {}


def test_doveadm_that_fails_as_a_whole_is_told(stage: Stage) -> None:
    def away(_boxes: Sequence[Box]) -> list[str]:
        raise MallepostError("doveadm move: no answer in 300 s")

    choose(stage.store, "mdupond", WEEK)
    stage.arrives("mdupond", "2026-12-01T06:00")
    stage.at("2026-12-01T08:00")
    stage.mover.move = away
    assert stage.mover.look() == 0
    assert any("no answer" in line for line in stage.said)
    assert "mdupond" in (stage.root / "state/moving.json").read_text()


def test_a_large_box_moves_some_at_a_look(stage: Stage) -> None:
    choose(stage.store, "grand", WEEK)
    for _ in range(moves.MOST + 1):
        stage.arrives("grand", "2026-12-01T06:00")
    stage.at("2026-12-01T08:00")
    assert stage.look() == ["grand"] == stage.look()
    assert stage.look() == []


def test_large_boxes_come_after_the_others() -> None:
    boxes = [Box("grand", 5000), *(Box(f"a{number}", 20) for number in range(60)), Box("part", 1, Due(before=7))]
    assert [len(one) for one in moves.batches(boxes)] == [50, 10, 1, 1]
    assert [one[0].uid for one in moves.batches(boxes)][2:] == ["grand", "part"]


TOMORROW, MONDAY = "Rappeler/Demain 8 h", "Rappeler/Lundi 8 h"


def test_a_recalled_message_comes_back_at_its_hour_and_no_other_with_it(stage: Stage) -> None:
    stage.store.change("mdupond", Change(recall=True))
    stage.at("2026-12-01T09:00")
    stage.arrives("mdupond", "2026-12-01T09:00", TOMORROW)
    stage.arrives("mdupond", "2026-12-01T09:00", MONDAY)
    stage.arrives("sans-rappel", "2026-11-01T09:00", TOMORROW)
    assert stage.look() == []
    stage.at("2026-12-02T07:59:59")
    assert stage.look() == []
    stage.arrives("mdupond", "2026-12-02T07:59:00", TOMORROW)
    stage.at("2026-12-02T08:00")
    assert stage.look() == ["mdupond"]
    (batch,) = stage.moved
    midnight = int(datetime.datetime.fromisoformat("2026-12-02T00:00").timestamp())
    assert batch == [Box("mdupond", 1, Due(TOMORROW, midnight, recalled=True))]
    assert stage.look() == []
    stage.at("2026-12-03T08:00")
    assert stage.look() == ["mdupond"]
    stage.at("2026-12-07T08:00")
    assert stage.look() == ["mdupond"]


def test_a_mover_that_was_down_brings_back_what_it_missed(stage: Stage) -> None:
    stage.store.change("mdupond", Change(recall=True))
    stage.arrives("mdupond", "2026-12-01T06:00", TOMORROW)
    stage.at("2026-12-04T17:23")
    stage.mover = stage.new()
    assert stage.look() == ["mdupond"]
    assert stage.look() == []


def test_recalls_that_are_turned_off_give_all_back_at_once(stage: Stage) -> None:
    stage.store.change("mdupond", Change(recall=True))
    stage.arrives("mdupond", "2026-12-01T06:00", TOMORROW)
    assert stage.look() == []
    stage.store.change("mdupond", Change(recall=False))
    assert stage.look() == ["mdupond"]
    assert stage.store.change("jmartin", Change(recall=False)).hours.recall is None


def test_recalls_and_hours_of_one_agent_move_by_themselves(stage: Stage) -> None:
    choose(stage.store, "mdupond", WEEK)
    stage.store.change("mdupond", Change(recall=True))
    stage.arrives("mdupond", "2026-11-30T19:00")
    stage.arrives("mdupond", "2026-11-30T09:00", TOMORROW)
    stage.at("2026-12-01T08:00")
    assert stage.look() == ["mdupond", "mdupond"]
    assert sorted(one.due.folder for batch in stage.moved for one in batch) == ["Hors horaires", TOMORROW]
