"""Messages that an agent deleted for good: found for their owner, and brought back."""

import json
from collections.abc import Mapping, Sequence

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.mailbox.undelete import DeletedMessages, FindDeleted, Restored, Undelete, shortened
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Refused
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, OTHER_NUMEN, Stage, refusal, success, token


class Kept:
    """The store of messages of one account."""

    def __init__(self) -> None:
        self.held = [_kept(f"Projets:{number}", f"Conseil {number}") for number in (12, 13)]
        self.wanted: list[tuple[str, Wanted]] = []
        self.away: Exception | None = None

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        if self.away:
            raise self.away
        self.wanted.append((uid, wanted))
        return list(self.held)

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        if self.away:
            raise self.away
        if missing := set(idents) - {one.ident for one in self.held}:
            raise InputError(f"{missing.pop()} is not there")
        self.held = [one for one in self.held if one.ident not in idents]
        return {"Projets": len(idents)}


def _kept(ident: str, subject: str, sender: str = "Ami <ami@lointain.test>") -> Deleted:
    return Deleted(ident, ident.partition(":")[0], sender, subject, "2026-10-01 08:00:00", "2026-10-02 09:30:00", 10)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def stage(stage: Stage, kept: Kept) -> Stage:
    vars(stage.hosts).update(deleted=kept.deleted, undelete=kept.undelete)
    return stage


def find(stage: Stage, uid: str = "mdupond", of: str = "mdupond", **parts: object) -> DeletedMessages | Refused:
    return stage.ask(FindDeleted(HERE, uid, token(of), **parts))  # type: ignore[arg-type]


def back(stage: Stage, *messages: str, of: str = "mdupond") -> Restored | Refused:
    return stage.ask(Undelete(HERE, "mdupond", token(of), messages))


def test_messages_are_found_and_come_back(stage: Stage, kept: Kept) -> None:
    answer = success(find(stage, sender=" ami ", subject="Conseil", days=7))
    kept.held.append(_kept("Corbeille:3", "Conseil"))
    assert success(find(stage)).deleted[-1].folder == "INBOX"
    del kept.held[-1], kept.wanted[-1]
    assert [(one.ident, one.folder, one.subject) for one in answer.deleted] == [
        ("Projets:12", "Projets", "Conseil 12"), ("Projets:13", "Projets", "Conseil 13"),
    ]  # fmt: skip
    assert answer.deleted[0].time.startswith("2026-10-02T09:30:00") and not answer.more
    assert kept.wanted == [("mdupond", Wanted("ami", "Conseil", 7))]
    assert codec.decode_answer(DeletedMessages, codec.encode_answer(answer)) == answer
    assert success(back(stage, "Projets:12")).many == 1
    (noted,) = map(json.loads, stage.journal.read_text("utf-8").splitlines())
    assert (noted["action"], noted["account"], noted["folders"]) == ("undelete", "mdupond", {"Projets": 1})
    assert "Conseil" not in stage.journal.read_text("utf-8")


def test_nobody_reaches_another_s(stage: Stage, kept: Kept) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    assert find(stage, of="autre") == NO_LOG_IN == back(stage, "Projets:12", of="autre")
    assert kept.wanted == [] and len(kept.held) == 2
    assert isinstance(find(stage, "autre", "autre"), Done)


def test_an_account_that_is_not_active_reaches_none(stage: Stage) -> None:
    stage.agent("autre", State.SUSPENDED, OTHER_NUMEN)
    assert find(stage, "autre", "autre") == NOT_PROVED
    assert isinstance(find(stage), Done)


def test_what_is_not_there_is_refused_and_nothing_noted(stage: Stage, kept: Kept) -> None:
    for messages in (("Projets:99",), ()):
        assert refusal(back(stage, *messages)).error == ErrorCode.REFUSED_VALUE
    assert stage.journal.read_text("utf-8") == "" and len(kept.held) == 2


@pytest.mark.parametrize("fault", [MallepostError("mail1: no route to host"), OSError("no route to host")])
def test_a_mailbox_that_is_away_is_said_to_be(stage: Stage, kept: Kept, fault: Exception) -> None:
    kept.away = fault
    assert refusal(find(stage)).error == ErrorCode.UNAVAILABLE
    kept.away = None
    assert isinstance(find(stage), Done)


def test_an_answer_has_room_for_the_latest() -> None:
    many = [_kept(f"Projets:{number}", "é" * 300, "ù" * 300) for number in range(1, 500)]
    told, more = shortened(many)
    assert more and 3 < len(told) < 499 and told[0].ident == "Projets:1"
    assert len(codec.encode_answer(DeletedMessages("mdupond", deleted=told, more=True))) < LONGEST
    assert shortened(many[:2])[1] is False
