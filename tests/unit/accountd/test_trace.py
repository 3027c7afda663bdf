"""Messages on their way, for their agent and for the help desk: what each may know, and who sees that it was asked."""

import datetime
import json
from typing import Any

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.account import ShowJournal
from malleposte.accountd.calls.desk.traces import DeskTrace
from malleposte.accountd.calls.mailbox.trace import MOST, MessagesTraced, TraceMessages
from malleposte.accountd.desk_rules import Rules
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Forbidden, Refused
from malleposte.accounts.channels import Failure
from malleposte.accounts.mailbox.hours.model import Hours, Slot
from malleposte.accounts.mailbox.hours.model import State as HoursState
from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import Answer, Message, Query, Recipient, State, Verdict
from malleposte.directory.model import State as AccountState
from malleposte.platform.mailstore import DANGEROUS, WAITING
from msgspec import structs

from .test_desk import DESK, SCHOOL, WHY, forbidden, mine
from .test_service import HERE, NO_LOG_IN, NOT_PROVED, NOW, OTHER_NUMEN, Stage, refusal, success, token

MARIE, NEWS, OTHER = "marie.dupond@ac-exemple.test", "news@lointain.test", "autre@ac-exemple.test"
THEN = int(NOW.timestamp()) - 3600
FILED = Recipient(MARIE, "mdupond", State.FILED, "Indésirables", "", THEN + 5)
BESIDE = Recipient(OTHER, "autre", State.FILED, "Divorce", "", THEN + 5)


def message(*recipients: Recipient, **fields: Any) -> Message:
    return Message("Q1", THEN, **{"sender": NEWS, "author": NEWS} | fields, recipients=recipients)


class Index:
    """The indexes of the hosts of mail: their answer, and what they are asked."""

    def __init__(self) -> None:
        self.answer = Answer((message(FILED, BESIDE, verdict=Verdict.JUNK, reason="spam"),), THEN - 86_400)
        self.failures = list[Failure]()
        self.away: Exception | None = None
        self.asked: list[Query] = []

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        if self.away:
            raise self.away
        self.asked.append(query)
        return self.answer, self.failures


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def stage(stage: Stage, index: Index) -> Stage:
    vars(stage.hosts).update(trace=index.trace)
    stage.agent("adesk", AccountState.ACTIVE, OTHER_NUMEN, **DESK)
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", {"mpEstablishment": [SCHOOL]})
    return stage


def own(stage: Stage, uid: str = "mdupond", of: str = "mdupond", **parts: str) -> MessagesTraced | Refused:
    return stage.ask(TraceMessages(HERE, uid, token(of), **parts))


def desk(stage: Stage, target: str = "mdupond", reason: str = WHY, **parts: str) -> MessagesTraced | Refused:
    return stage.ask(DeskTrace(**mine(), target=target, reason=reason, **parts))


def journal(stage: Stage) -> list[dict[str, Any]]:
    return list(map(json.loads, stage.journal.read_text("utf-8").splitlines()))


def test_an_agent_sees_what_became_of_the_own_messages_alone(stage: Stage, index: Index) -> None:
    answer = success(own(stage, sender=f" {NEWS.upper()} ", word="Réunion du jury"))
    assert (answer.uid, answer.more, answer.looked) == ("mdupond", False, True)
    (row,) = answer.traced
    assert (row.way, row.other, row.state, row.folder, row.reason) == ("in", NEWS, "filed", "Indésirables", "spam")
    assert row.time < row.at and row.time.endswith("+00:00")
    (asked,) = index.asked
    assert (asked.about, asked.sender, asked.word, asked.most) == ("mdupond", NEWS, "Réunion du jury", MOST)
    assert asked.since == int(NOW.timestamp()) - 30 * 86_400
    assert codec.decode_answer(MessagesTraced, codec.encode_answer(answer)) == answer
    assert "autre" not in str(answer) and journal(stage) == []


def test_a_sender_does_not_see_the_folders_and_filters_of_others(stage: Stage, index: Index) -> None:
    thrown = Recipient("chef@ac-exemple.test", "chef", State.DISCARDED, "", "", THEN)
    left = Recipient("x@lointain.test", "", State.BOUNCED, "", "550 5.1.1 <x@lointain.test>: unknown", THEN)
    index.answer = Answer((message(BESIDE, thrown, left, sender=MARIE, author=MARIE, account="mdupond"),))
    rows = success(own(stage)).traced
    assert [(one.way, one.other, one.state, one.folder, one.answer) for one in rows] == [
        ("out", OTHER, "filed", "", ""), ("out", "chef@ac-exemple.test", "filed", "", ""),
        ("out", "x@lointain.test", "bounced", "", "550 5.1.1 <x@lointain.test>: unknown"),
    ]  # fmt: skip


def test_a_filter_of_the_own_box_is_the_owner_s(stage: Stage, index: Index) -> None:
    passed = Recipient(MARIE, "mdupond", State.REDIRECTED, "", "ami@lointain.test, b@c.test", THEN)
    index.answer = Answer((message(passed),))
    assert success(own(stage)).traced[0].passed_on == "ami@lointain.test, b@c.test"
    assert success(desk(stage)).traced[0].passed_on == "am…@lointain.test, b…@c.test"


def test_what_lies_apart_has_no_folder(stage: Stage, index: Index) -> None:
    index.answer = Answer((message(structs.replace(FILED, folder=DANGEROUS)),), THEN)
    (row,) = success(own(stage)).traced
    assert (row.state, row.folder) == ("sealed", "")


WAITS = Hours(True, (Slot((1, 2, 3, 4, 5, 6, 7), "08:00", "08:30"),))


@pytest.mark.parametrize("look", [own, desk])
def test_what_waits_for_hours_has_the_moment_at_which_it_comes(stage: Stage, index: Index, look: Any) -> None:
    index.answer = Answer((message(structs.replace(FILED, folder=WAITING)), message(FILED)), THEN)
    vars(stage.hosts).update(hours=lambda _uid: HoursState(WAITS))
    waiting, other = success(look(stage)).traced
    comes = datetime.datetime.fromisoformat(waiting.comes)
    assert other.comes == "" and comes > datetime.datetime.fromisoformat(waiting.at)
    assert (comes.hour, comes.minute) == (8, 0) and comes.tzinfo
    for hours in (HoursState(Hours()), None):
        vars(stage.hosts).update(hours=lambda _uid, hours=hours: hours)
        assert [one.comes for one in success(look(stage)).traced] == ["", ""]


def test_nobody_reaches_another_s(stage: Stage, index: Index) -> None:
    stage.agent("autre", AccountState.ACTIVE, "01E9500003ABC")
    assert own(stage, of="autre") == NO_LOG_IN and index.asked == []
    stage.agent("parti", AccountState.SUSPENDED, "01E9500004ABC")
    assert own(stage, "parti", "parti") == NOT_PROVED
    assert isinstance(own(stage, "autre", "autre"), Done)
    assert index.asked[0].about == "autre"


@pytest.mark.parametrize(("typed", "asked"), [("Lointain.TEST", "@lointain.test"), ("mdupond", "mdupond"), ("", "")])
def test_a_domain_is_a_sender_too(stage: Stage, index: Index, typed: str, asked: str) -> None:
    success(own(stage, sender=typed))
    assert index.asked[0].sender == asked


def test_words_that_no_index_has_are_refused_instead_of_found_nowhere(stage: Stage, index: Index) -> None:
    for answer in (own(stage, word="RH"), desk(stage, word=" a b ")):
        assert refusal(answer).error is ErrorCode.REFUSED_VALUE
    assert index.asked == [] and journal(stage) == []
    success(own(stage, word="RH jury"))


def test_a_host_that_is_away_is_said(stage: Stage, index: Index) -> None:
    index.failures = [Failure("mail2", "no route to host")]
    assert not success(own(stage)).looked
    index.failures, index.answer = [], Answer(left_out=3)
    assert not success(own(stage)).looked
    for fault in (MallepostError("no answer"), OSError("no route to host")):
        index.away = fault
        assert refusal(own(stage)).error is ErrorCode.UNAVAILABLE
        assert refusal(desk(stage)).error is ErrorCode.UNAVAILABLE


def test_an_answer_has_room_for_the_latest(stage: Stage, index: Index) -> None:
    long = Recipient(MARIE, "mdupond", State.REFUSED, "", "é" * 200, THEN)
    index.answer = Answer(tuple(message(long, author=f"{number}@{'a' * 180}.test") for number in range(60)))
    answer = success(own(stage))
    assert answer.more and 3 < len(answer.traced) <= MOST and answer.traced[0].other.startswith("0@")
    assert len(codec.encode_answer(answer)) < LONGEST
    index.answer = Answer((message(FILED),) * 41, more=False)
    assert success(own(stage)).more and len(success(own(stage)).traced) == MOST


# --- the help desk ---


def test_the_help_desk_sees_it_with_addresses_masked_and_its_owner_sees_the_look(stage: Stage, index: Index) -> None:
    refused = Recipient(MARIE, "mdupond", State.REFUSED, "", f"553 5.7.1 <{NEWS}>: rejected", THEN)
    index.answer = Answer((message(FILED, BESIDE), message(refused)))
    filed, gone = success(desk(stage)).traced
    assert (filed.other, filed.state, filed.folder) == ("ne…@lointain.test", "filed", "Indésirables")
    assert (gone.other, gone.answer) == ("ne…@lointain.test", "553 5.7.1 <ne…@lointain.test>: rejected")
    for sender in (NEWS, "lointain.test"):
        assert success(desk(stage, sender=sender)).traced[0].other == NEWS, "whoever knows it may see it"
    assert success(desk(stage, sender="tain.test")).traced[0].other != NEWS
    assert {one.about for one in index.asked} == {"mdupond"}
    assert [(one["action"], one["account"], one["note"]) for one in journal(stage)] == [
        ("desk-trace", "mdupond", WHY)
    ] * 4
    lines = success(stage.ask(ShowJournal(HERE, "mdupond", token("mdupond")))).journal
    assert (lines[0].act, lines[0].by, lines[0].note) == (
        "acheminement de vos messages consulté par l’assistance", "desk", WHY,
    )  # fmt: skip
    assert NEWS not in stage.journal.read_text("utf-8")


@pytest.mark.parametrize("reason", ["", "  ", "\x07"])
def test_a_look_needs_a_reason(stage: Stage, index: Index, reason: str) -> None:
    assert refusal(desk(stage, reason=reason)).error is ErrorCode.REFUSED_VALUE
    assert index.asked == []
    assert isinstance(desk(stage), Done)


def test_a_person_has_so_many_looks_a_day(stage: Stage, index: Index) -> None:
    object.__setattr__(stage.service.tools.rules, "desk", Rules(acts_a_day=2))
    assert isinstance(desk(stage), Done) and isinstance(desk(stage, word="jury"), Done)
    assert desk(stage) == forbidden(Forbidden.CAP)
    assert len(index.asked) == 2


def test_another_school_is_as_nobody_at_all(stage: Stage, index: Index) -> None:
    stage.agent("loin", AccountState.ACTIVE, "01E9500003ABC", mpEstablishment=["0580001X"])
    for target in ("loin", "nobody", "", NEWS):
        assert desk(stage, target) == forbidden(Forbidden.REACH)
    assert index.asked == []
    assert {one["action"] for one in journal(stage)} == {"desk-refused"}
