"""« Archivage »: accountd shows and changes what is archived, puts it back, and writes each act into the journal."""

import json

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.mailbox.archiving import (
    ArchivedNight,
    Archiving,
    InFolder,
    PutBack,
    SetArchiving,
    ShowArchiving,
    UndoArchiving,
)
from malleposte.accountd.message import LONGEST, ErrorCode, Refused
from malleposte.accounts.mailbox.archiving.model import DAYS, Choice, State
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State as AccountState

from .test_service import HERE, NO_LOG_IN, OTHER_NUMEN, Stage, success, token


class Box:
    """The store of one mailbox."""

    def __init__(self) -> None:
        self.state = State(label="Fait", moved=((1_796_000_000, {"Archives/2024": 2, "Archives/2023": 1}),))
        self.away: Exception | None = None
        self.done: list[object] = []

    def archiving(self, _uid: str) -> State:
        if self.away:
            raise self.away
        return self.state

    def set_archiving(self, uid: str, choice: Choice) -> State:
        self.done.append((uid, choice))
        self.state = State(choice, "Fait", self.state.moved)
        return self.state

    def undo_archiving(self, uid: str, at: int) -> int:
        if at != 1_796_000_000:
            raise InputError("there is no such work to undo")
        self.done.append((uid, at))
        return 3


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box) -> Stage:
    vars(stage.hosts).update(
        archiving=box.archiving, set_archiving=box.set_archiving, undo_archiving=box.undo_archiving
    )
    return stage


def put(stage: Stage, months: int, *, done: bool = False, of: str = "mdupond") -> Archiving | Refused:
    return stage.ask(SetArchiving(HERE, "mdupond", token(of), months=months, done=done))


def lines(stage: Stage) -> list[tuple[str, object]]:
    read = [json.loads(one) for one in stage.journal.read_text("utf-8").splitlines()]
    return [
        (one["action"], one["note"].replace("\N{NO-BREAK SPACE}", " ") if "note" in one else one["messages"])
        for one in read
        if one["action"].startswith("archiving")
    ]


def test_a_choice_is_set_shown_and_told_in_the_journal(stage: Stage, box: Box) -> None:
    answer = success(put(stage, 12, done=True))
    assert (answer.months, answer.done, answer.label) == (12, True, "Fait")
    assert answer.nights == (
        ArchivedNight(1_796_000_000, (InFolder("Archives/2023", 1), InFolder("Archives/2024", 2))),
    )
    assert success(stage.ask(ShowArchiving(HERE, "mdupond", token("mdupond")))) == answer
    assert codec.decode_answer(Archiving, codec.encode_answer(answer)) == answer
    assert success(put(stage, 12, done=True)).months == 12
    assert success(put(stage, 0)).months == 0
    assert box.done == [("mdupond", Choice(12, done=True)), ("mdupond", Choice())]
    assert lines(stage) == [
        ("archiving", "archivage des messages lus de plus de 12 mois, avec l’étiquette « Fait »"),
        ("archiving", "archivage arrêté"),
    ]


@pytest.mark.parametrize("months", [1, 7, -6, 120])
def test_an_age_that_is_none_changes_nothing(stage: Stage, box: Box, months: int) -> None:
    refused = put(stage, months)
    assert isinstance(refused, Refused) and refused.error is ErrorCode.REFUSED_VALUE and box.done == []
    assert success(put(stage, 6)).months == 6


def test_a_night_is_undone_once(stage: Stage, box: Box) -> None:
    undo = UndoArchiving(HERE, "mdupond", token("mdupond"), at=1_796_000_000)
    answer = stage.ask(undo)
    assert isinstance(answer, PutBack) and answer.many == 3
    other = stage.ask(UndoArchiving(HERE, "mdupond", token("mdupond"), at=1))
    assert isinstance(other, Refused) and other.error is ErrorCode.REFUSED_VALUE
    assert box.done == [("mdupond", 1_796_000_000)] and lines(stage) == [("archiving-undo", 3)]


def test_nobody_reaches_another_s(stage: Stage, box: Box) -> None:
    stage.agent("autre", AccountState.ACTIVE, OTHER_NUMEN)
    assert put(stage, 6, of="autre") == NO_LOG_IN
    assert stage.ask(ShowArchiving(HERE, "mdupond", token("autre"))) == NO_LOG_IN
    assert stage.ask(UndoArchiving(HERE, "mdupond", token("autre"), at=1_796_000_000)) == NO_LOG_IN
    assert box.done == []


def test_a_host_that_is_away_is_said(stage: Stage, box: Box) -> None:
    box.away = MallepostError("on mail1: no route")
    answer = put(stage, 6)
    assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE


def test_the_longest_answer_fits_a_line(stage: Stage, box: Box) -> None:
    box.state = State(Choice(6), "Fait", tuple((1_796_000_000 + day, {"Archives/2025": 7}) for day in range(DAYS)))
    assert len(success(stage.ask(ShowArchiving(HERE, "mdupond", token("mdupond")))).nights) == DAYS
    folders = {f"Archives/{year}": 1000 for year in range(1970, 2027)}
    box.state = State(Choice(6), "É" * 100, tuple((1_796_000_000 + day, folders) for day in range(DAYS)))
    answer = success(stage.ask(ShowArchiving(HERE, "mdupond", token("mdupond"))))
    assert answer.nights[0].at == 1_796_000_000 and len(codec.encode_answer(answer)) < LONGEST
