"""« Mes horaires »: accountd shows and changes an agent's hours, writes each change into the journal, nothing else."""

import json

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.mailbox.hours import AgentHours, SetHours, ShowHours
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Refused
from malleposte.accounts.mailbox.hours.model import MOST_SENDERS, Change, Hours, Slot, State
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State as AccountState

from .test_service import HERE, NO_LOG_IN, NOW, OTHER_NUMEN, Stage, success, token

WEEK = "12345 08:00-18:00"
SOON = "2026-12-24T08:00"


class Box:
    """The store of one mailbox."""

    def __init__(self) -> None:
        self.state = State()
        self.away: Exception | None = None
        self.changes: list[tuple[str, Change]] = []

    def hours(self, _uid: str) -> State:
        if self.away:
            raise self.away
        return self.state

    def set_hours(self, uid: str, change: Change) -> State:
        self.changes.append((uid, change))
        hours = change.to(self.state.hours, NOW.astimezone().replace(tzinfo=None))
        self.state = State(hours, 3, opens=False, following=SOON)
        return self.state


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box) -> Stage:
    vars(stage.hosts).update(hours=box.hours, set_hours=box.set_hours)
    return stage


def put(stage: Stage, of: str = "mdupond", **parts: object) -> AgentHours | Refused:
    return stage.ask(SetHours(HERE, "mdupond", token(of), **parts))  # type: ignore[arg-type]


def notes(stage: Stage) -> list[str]:
    lines = [json.loads(one) for one in stage.journal.read_text("utf-8").splitlines()]
    return [str(one["note"]).replace("\N{NO-BREAK SPACE}", " ") for one in lines if one["action"] == "hours"]


def test_hours_are_set_shown_and_told_in_the_journal(stage: Stage, box: Box) -> None:
    answer = success(
        put(stage, on=True, slots=(WEEK,), rounds=("12:00", "08:00"), holidays=True, add=(" Chef@AC-Exemple.test",))
    )
    assert (answer.on, answer.slots, answer.rounds) == (True, (WEEK,), ("08:00", "12:00"))
    assert (answer.through, answer.waiting, answer.opens, answer.following) == (
        ("chef@ac-exemple.test",),
        3,
        False,
        SOON,
    )
    assert success(stage.ask(ShowHours(HERE, "mdupond", token("mdupond")))) == answer
    assert codec.decode_answer(AgentHours, codec.encode_answer(answer)) == answer
    assert success(put(stage, on=False, remove=("chef@ac-exemple.test", "inconnu.test"))).slots == (WEEK,)
    assert notes(stage) == [
        "horaires en service", f"plages : {WEEK}, remise à 08:00, remise à 12:00, jours fériés au calme",
        "expéditeur toujours remis : chef@ac-exemple.test", "horaires arrêtés",
        "expéditeur qui n’est plus toujours remis : chef@ac-exemple.test",
    ]  # fmt: skip
    assert [uid for uid, _change in box.changes] == ["mdupond"] * 2


def test_a_time_without_mail_begins_and_ends(stage: Stage, box: Box) -> None:
    until = f"{NOW.year}-{NOW.month:02d}-28T08:00"
    assert success(put(stage, quiet_until=until)).quiet_until == until
    assert not box.state.hours.on
    assert success(put(stage, quiet_until="")).quiet_until == ""
    assert notes(stage) == [f"ne pas déranger jusqu’au {until}", "ne pas déranger terminé"]


def test_recalls_are_turned_on_and_off(stage: Stage, box: Box) -> None:
    assert not success(put(stage, recall=False)).recall and box.changes == []
    assert success(put(stage, recall=True)).recall and box.state.hours.recall is True
    assert not success(put(stage, recall=False)).recall and box.state.hours.recall is False
    assert notes(stage) == ["rappel des messages en service", "rappel des messages arrêté"]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ({"on": True}, {"on": True, "slots": (WEEK,)}),
        ({"slots": ("12345 18:00-08:00",)}, {"slots": ("12345 18:00-24:00",)}),
        ({"slots": ("12345 08:00-18:00 ",)}, {"slots": (WEEK,)}),
        ({"rounds": ("8:00",)}, {"rounds": ("08:00",)}),
        ({"add": ("personne",)}, {"add": ("personne.test",)}),
        ({"quiet_until": "2020-01-01T00:00"}, {"quiet_until": f"{NOW.year}-{NOW.month:02d}-28T08:00"}),
        ({"quiet_until": "demain"}, {"quiet_until": f"{NOW.year}-{NOW.month:02d}-28T08:01"}),
    ],
)
def test_what_cannot_be_changes_nothing(
    stage: Stage, box: Box, bad: dict[str, object], good: dict[str, object]
) -> None:
    refused = put(stage, **bad)
    assert isinstance(refused, Refused) and refused.error is ErrorCode.REFUSED_VALUE
    assert box.changes == [] and notes(stage) == []
    assert isinstance(put(stage, **good), Done) and len(box.changes) == 1


def test_what_changes_nothing_is_not_written(stage: Stage, box: Box) -> None:
    put(stage, on=True, slots=(WEEK,))
    assert isinstance(put(stage, on=True, slots=(WEEK,), remove=("inconnu.test",)), Done)
    assert isinstance(put(stage), Done)
    assert len(box.changes) == 1 and len(notes(stage)) == 2


def test_nobody_reaches_another_s(stage: Stage, box: Box) -> None:
    stage.agent("autre", AccountState.ACTIVE, OTHER_NUMEN)
    assert put(stage, of="autre", on=True, slots=(WEEK,)) == NO_LOG_IN
    assert stage.ask(ShowHours(HERE, "mdupond", token("autre"))) == NO_LOG_IN
    assert box.changes == []


def test_a_host_that_is_away_is_said(stage: Stage, box: Box) -> None:
    box.away = MallepostError("on mail1: no route")
    answer = put(stage, on=True, slots=(WEEK,))
    assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE


def test_the_longest_answer_fits_a_line(stage: Stage, box: Box) -> None:
    long = tuple(f"{'a' * 64}@{'b' * 60}.{number:02d}{'c' * 50}.{'d' * 60}.test" for number in range(MOST_SENDERS))
    box.state = State(
        Hours(True, tuple(Slot((1, 2, 3, 4, 5, 6, 7), f"0{n}:00", "23:59") for n in range(7)), senders=long)
    )
    answer = success(stage.ask(ShowHours(HERE, "mdupond", token("mdupond"))))
    assert len(answer.through) == MOST_SENDERS and len(codec.encode_answer(answer)) < LONGEST
