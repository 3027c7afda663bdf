"""« Quarantaine »: found for its owner, and released."""

import json
from collections.abc import Sequence

import pytest
from malleposte.accountd.calls.mailbox.quarantine import HeldMessages, Release, Released, ShowQuarantine, shown
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.accounts.mailbox.quarantine import Held
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, OTHER_NUMEN, Stage, refusal, success, token


class Kept:
    """The store of one account's messages."""

    def __init__(self) -> None:
        self.held = [Held(str(number), "Ami <ami@lointain.test>", "Dossier", "2026-10-02 09:30:00", ("archive",))
                     for number in (13, 12)]  # fmt: skip
        self.asked: list[tuple[str, str]] = []
        self.away: Exception | None = None

    def kept_apart(self, uid: str, place: str) -> list[Held]:
        if self.away:
            raise self.away
        self.asked.append((uid, place))
        return list(self.held)

    def release(self, uid: str, place: str, idents: Sequence[str]) -> int:
        self.asked.append((uid, place))
        if set(idents) - {one.ident for one in self.held}:
            raise InputError("it is not there")
        self.held = [one for one in self.held if one.ident not in idents]
        return len(idents)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def stage(stage: Stage, kept: Kept) -> Stage:
    vars(stage.hosts).update(kept_apart=kept.kept_apart, release=kept.release)
    return stage


def show(stage: Stage, uid: str = "mdupond", of: str = "mdupond") -> HeldMessages | Refused:
    return stage.ask(ShowQuarantine(HERE, uid, token(of)))


def out(stage: Stage, *messages: str, of: str = "mdupond") -> Released | Refused:
    return stage.ask(Release(HERE, "mdupond", token(of), messages))


def test_they_are_listed_with_the_reason_and_released(stage: Stage, kept: Kept) -> None:
    answer = success(show(stage))
    assert [(one.ident, one.subject, one.reasons) for one in answer.held] == [
        ("13", "Dossier", ("archive",)), ("12", "Dossier", ("archive",)),
    ]  # fmt: skip
    assert answer.held[0].time.startswith("2026-10-02T09:30:00") and not answer.more
    assert success(out(stage, "12")).many == 1
    assert kept.asked == [("mdupond", "quarantine")] * 2
    (noted,) = map(json.loads, stage.journal.read_text("utf-8").splitlines())
    assert (noted["action"], noted["account"], noted["messages"]) == ("release", "mdupond", 1)
    assert "Dossier" not in stage.journal.read_text("utf-8")


def test_nobody_reaches_another_s(stage: Stage, kept: Kept) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    assert show(stage, of="autre") == NO_LOG_IN == out(stage, "12", of="autre")
    assert kept.asked == [] and len(kept.held) == 2
    assert isinstance(show(stage, "autre", "autre"), Done)


def test_what_is_not_there_is_refused_and_nothing_noted(stage: Stage, kept: Kept) -> None:
    for messages in (("99",), ()):
        assert refusal(out(stage, *messages)).error == ErrorCode.REFUSED_VALUE
    assert stage.journal.read_text("utf-8") == "" and len(kept.held) == 2


def test_a_mailbox_that_is_away_is_said_to_be(stage: Stage, kept: Kept) -> None:
    kept.away = MallepostError("mail1: no route to host")
    assert refusal(show(stage)).error == ErrorCode.UNAVAILABLE
    kept.away = None
    assert isinstance(show(stage), Done)


def test_an_answer_has_room_for_the_latest() -> None:
    many = [Held(str(number), "é" * 300, "ù" * 300, "2026-10-02 09:30:00", ("score",)) for number in range(1, 500)]
    held, more = shown(many)
    assert more and 3 < len(held) < 499 and held[0].ident == "1"
    assert shown(many[:2])[1] is False
