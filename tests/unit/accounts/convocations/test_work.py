"""The worker: what it sends in a minute, what it does after an interruption, answers, substitutes, reminders, plans."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from malleposte.accounts.channels import Failure
from malleposte.accounts.convocations import letter, orders, plan, store, work
from malleposte.accounts.convocations.agenda import Filing
from malleposte.accounts.convocations.model import (
    Answer,
    Convocation,
    ConvocationRules,
    Event,
    Order,
    Row,
    Stage,
    Way,
)
from malleposte.accounts.convocations.paper import Printer
from malleposte.accounts.convocations.replies import RawReply, Replies
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.life.steps import StepResult
from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import Answer as Traced
from malleposte.deliveries.model import Message, Query

from tests.support.directory import MemoryDirectory

from .office import DOMAIN, EVENT, FACTS, IDENT, NOW, START, convocation, directory
from .test_replies import raw


class Killed(BaseException):
    """The power goes."""


class House:
    """A platform: letters that went, entries in agendas, a box of answers, an index, a clock that is set by hand."""

    def __init__(self, folder: Path, held: MemoryDirectory, rules: ConvocationRules) -> None:
        self.folder, self.directory, self.rules = folder, held, rules
        self.letters: list[EmailMessage] = []
        self.agendas: dict[str, str] = {}
        self.writes = self.slept = 0
        self.replies: list[RawReply] = []
        self.asked: list[tuple[str, str, dict[str, int]]] = []
        self.known = True
        self.time = START
        self.away: set[str] = set()
        self.before: Callable[[str], None] = lambda what: None
        self.when_sleeping: Callable[[], None] = lambda: None

    # the hosts

    def file_convocations(self, filings: tuple[Filing, ...]) -> list[tuple[str, str]]:
        self.before("agenda")
        if "agenda" in self.away:
            raise MallepostError("web1 does not answer")
        failed = []
        for one in filings:
            if one.uid in self.away:
                failed.append((one.event_id, "sogo took no entry"))
                continue
            self.agendas.pop(one.event_id, None)
            self.agendas |= {one.event_id: one.text} if one.text else {}
            self.writes += 1
        return failed

    def convocation_replies(self, uid: str, since: str, seen: dict[str, int]) -> Replies:
        if "box" in self.away:
            raise MallepostError("mail1 does not answer")
        self.asked.append((uid, since, seen))
        start = seen.get("a" * 32, 0)
        some = self.replies[start : start + 3]
        return Replies(some, {"a" * 32: start + len(some)}, more=start + len(some) < len(self.replies))

    def trace(self, query: Query) -> tuple[Traced, list[Failure]]:
        if not self.known:
            return Traced(), [Failure("index", "away")]
        found = [one for one in self.letters if str(one["Message-ID"]).strip("<>") == query.message_id]
        return Traced(tuple(Message("Q", 1, message_id=query.message_id) for _one in found)), []

    def look(self, uid: str) -> Any:
        return SimpleNamespace(absence=uid == "absente")

    # the mail server and the clock

    def send(self, made: EmailMessage) -> None:
        self.before("send")
        if "mail" in self.away:
            raise MallepostError("sendmail refuses")
        self.letters.append(made)
        self.before("sent")

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.time += seconds
        self.when_sleeping()

    def run(self, *, dry: bool = False) -> StepResult:
        result = StepResult("convocations")
        night: Any = SimpleNamespace(
            tools=SimpleNamespace(hosts=self, directory=self.directory), rules=SimpleNamespace(convocations=self.rules),
            settings=SimpleNamespace(domain=DOMAIN), send=self.send, dry=dry, now=NOW,
        )  # fmt: skip
        work.step(night, result, self.folder, work.Clock(lambda: self.time, self.sleep))
        return result

    # what is seen

    def put(self, one: Convocation) -> None:
        self.folder.mkdir(exist_ok=True)
        store.ask(one, self.folder)

    def held(self, ident: str = IDENT) -> Convocation:
        return store.load(ident, self.folder)

    def to(self) -> list[str]:
        return [str(one["To"].addresses[0].addr_spec).partition("@")[0] for one in self.letters]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(Facts, "read", classmethod(lambda cls, path=None: FACTS))
    monkeypatch.setattr(Printer, "order", lambda *_args: b"%PDF")
    uids = ("anne", "bruno", "chantal", "absente", *(f"agent{number:03}" for number in range(200)))
    return House(tmp_path / "convocations", directory(*uids), ConvocationRules(per_minute=60, keep_days=30))


def test_each_gets_the_entry_and_one_letter(stage: House) -> None:
    stage.put(convocation("anne", "bruno"))
    assert stage.run().failures == []
    assert stage.to() == ["anne", "bruno"] and len(stage.agendas) == 2 and not store.asked(stage.folder)
    for invitee in stage.held().invitees:
        assert (invitee.mailed, invitee.filed, invitee.begun, invitee.sent) == (0, "0 ", 0, int(START))
    stage.run()
    assert len(stage.letters) == 2 and stage.writes == 2, "a second time there is nothing to do"


def test_a_change_replaces_and_a_cancellation_takes_out(stage: House) -> None:
    one = convocation("anne", "bruno")
    stage.put(one)
    stage.run()
    one = stage.held()
    one.invitees[0].change(msgspec.structs.replace(EVENT, place="Salle 4"))
    one.invitees[1].call_off()
    stage.put(one)
    stage.run()
    assert stage.to()[2:] == ["anne", "bruno"] and len({str(made["Message-ID"]) for made in stage.letters}) == 4
    ((event, text),) = stage.agendas.items()
    assert event == one.event_id(one.invitees[0]) and "Salle 4" in text and "SEQUENCE:1" in text


def test_the_rate_holds_and_orders_meanwhile_are_carried_out(stage: House) -> None:
    one = convocation(*(f"agent{number:03}" for number in range(150)))
    stage.put(one)
    minutes: dict[int, int] = {}

    def count(what: str) -> None:
        if what == "sent":
            minutes[int(stage.time // 60)] = minutes.get(int(stage.time // 60), 0) + 1

    def call_one_off() -> None:
        if stage.slept == 3:
            orders.give("dec", IDENT, Order.CALL_OFF, "agent149", stage.time, stage.folder)

    stage.before, stage.when_sleeping = count, call_one_off
    stage.run()
    assert list(minutes.values()) == [60, 60, 29]
    assert "agent149" not in stage.to(), "one that was never written to hears nothing"
    assert len(stage.agendas) == 149


def test_a_small_convocation_does_not_wait_for_a_large_one(stage: House) -> None:
    stage.put(convocation(*(f"agent{number:03}" for number in range(150))))
    small = convocation("anne")
    small.ident = "20260601-080001-0001"
    stage.put(small)
    stage.run()
    assert stage.to().index("anne") < 60


@pytest.mark.parametrize("at", ["agenda", "send", "sent"])
@pytest.mark.parametrize("number", [1, 4, 11])
def test_killed_at_any_point_and_run_again_each_letter_goes_once(stage: House, at: str, number: int) -> None:
    stage.put(convocation(*(f"agent{each:03}" for each in range(12))))
    left = [number]

    def power(what: str) -> None:
        if what == at:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    stage.before = power
    for _kill in range(2):
        with contextlib.suppress(Killed):
            stage.run()
        left[0] = number
        stage.time += 5
    left[0] = 10_000
    for _later in range(4):
        stage.time += 100
        stage.run()
    assert sorted(stage.to()) == [f"agent{each:03}" for each in range(12)]
    assert len(stage.agendas) == 12 and all(one.begun == 0 for one in stage.held().invitees)


def test_while_the_index_is_away_nothing_goes_twice_and_in_the_end_it_goes(stage: House) -> None:
    one = convocation("anne", "bruno")
    for invitee in one.invitees:
        invitee.begun = int(START) - 5
    stage.put(one)
    stage.known = False
    for _minute in range(50):
        stage.run()
        stage.time += 60
    assert stage.letters == []
    stage.time += work.UNKNOWN_FOR
    assert stage.run().failures == []
    assert sorted(stage.to()) == ["anne", "bruno"]


def test_what_fails_is_named_tried_again_later_and_stops_no_other(stage: House) -> None:
    stage.away = {"anne"}
    stage.put(convocation("anne", "bruno", "parti"))
    assert stage.run().failures == [], "one account is no fault of the run: the office is shown it"
    failures = [f"{one.key}: {one.failure}" for one in stage.held().invitees if one.failure]
    assert failures == [
        "anne: agenda: sogo took no entry",
        "parti: agenda: parti has no account any more",
    ]
    assert stage.to() == ["anne", "bruno", "parti"]
    says = ["déjà dans votre agenda" in made.get_body(("plain",)).get_content() for made in stage.letters]  # type: ignore[union-attr]
    assert says == [False, True, False], "no letter says what is not so"
    anne = stage.held().invitees[0]
    assert anne.failure and anne.later == START + work.FIRST_WAIT
    stage.away = set()
    stage.run()
    assert len(stage.agendas) == 1, "not before its time"
    stage.time += work.FIRST_WAIT
    stage.run()
    assert len(stage.agendas) == 2 and stage.held().invitees[0].failure == "" and len(stage.letters) == 3


@pytest.mark.parametrize("part", ["agenda", "mail"])
def test_a_part_of_the_platform_that_is_away_is_waited_for(stage: House, part: str) -> None:
    stage.away = {part}
    stage.put(convocation("anne"))
    stage.run()
    assert stage.held().invitees[0].failure and not (stage.agendas and stage.letters)
    stage.away = set()
    for _round in range(3):
        stage.time += 200
        stage.run()
    assert len(stage.agendas) == len(stage.letters) == 1


def test_what_is_over_is_sent_to_nobody(stage: House) -> None:
    stage.put(convocation("anne"))
    stage.time = EVENT.ends.timestamp() + 1
    stage.run()
    assert stage.letters == [] and stage.agendas == {}
    stage.time += 31 * 86_400
    stage.run()
    assert not store.has(IDENT, stage.folder), "and goes after its time"


def test_answers_are_counted_and_agendas_follow(stage: House) -> None:
    one = convocation("anne", "bruno", "chantal")
    stage.put(one)
    stage.run()
    forged = raw(one, 2, author=f"bruno@{DOMAIN}")
    stage.replies = [raw(one, 0), raw(one, 1, word="DECLINED"), forged, raw(one, 0, word="TENTATIVE", at=START + 9)]
    result = stage.run()
    held = stage.held()
    assert [invitee.answer for invitee in held.invitees] == [Answer.MAYBE, Answer.NO, Answer.SILENCE]
    assert f"{IDENT}:answers=2" in result.done and held.seen == {"a" * 32: 4}
    assert "TENTATIVE" in stage.agendas[one.event_id(one.invitees[0])]
    assert one.event_id(one.invitees[1]) not in stage.agendas, "a « non » takes it out"
    # The store's day may be the one before UTC's.
    assert len(stage.letters) == 3 and stage.asked[-1][:2] == ("dec", "2026-05-31")


def test_a_box_that_is_away_keeps_nobody_from_the_convocation(stage: House) -> None:
    stage.away = {"box"}
    stage.put(convocation("anne"))
    assert "answers to dec: mail1 does not answer" in stage.run().failures
    assert stage.to() == ["anne"]


def test_an_office_whose_box_was_closed_is_asked_for_no_answers(stage: House) -> None:
    stage.put(convocation("anne"))
    stage.run()
    before = len(stage.asked)
    (box,) = [entry.dn for entry in stage.directory.search("functional", ["uid"])]
    stage.directory.delete(box)
    assert stage.run().failures == [] and len(stage.asked) == before


def test_a_no_calls_the_substitute_on_wish(stage: House) -> None:
    for wish in (False, True):
        one = convocation("anne", substitute=wish)
        one.invitees[0].substitutes = (convocation("bruno").invitees[0].person,)
        one.invitees[0].reply(Answer.NO, Way.PORTAL, int(START))
        stage.put(one)
        stage.run()
        assert ("bruno" in stage.to()) is wish
    assert [invitee.instead_of for invitee in stage.held().invitees] == ["", "anne"]


def test_the_silent_are_reminded_on_the_chosen_days_once(stage: House) -> None:
    one = convocation("anne", "bruno", remind_days=(3,))
    stage.put(one)
    stage.run()
    held = stage.held()
    held.invitees[1].reply(Answer.YES, Way.MAIL, int(START))
    stage.put(held)
    for days in (9, 10.7, 11, 11.01, 11.2, 12):
        stage.time = START + days * 86_400
        stage.run()
        assert days >= 11 or len(stage.letters) == 2, "nobody is reminded at night"
    assert stage.to() == ["anne", "bruno", "anne"]
    assert letter.PAGE in stage.letters[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert str(stage.letters[-1]["Subject"]).startswith("Rappel") and stage.held().invitees[0].reminders == 1


def rows(*words: str, event: Event = EVENT) -> list[Row]:
    return [Row(number, word, event) for number, word in enumerate(words, 1)]


def draft() -> Convocation:
    return convocation(stage=Stage.DRAFT)


def at(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def test_the_portal_s_plan_is_made_shown_and_sent(stage: House) -> None:
    ident = orders.ask_plan(draft(), "", rows("anne", "absente", "personne"), None, NOW, stage.folder)
    before = orders.shown("dec", ident, stage.folder)
    assert before is not None and before.summary.planning and before.plan is None
    stage.run()
    shown = orders.shown("dec", ident, stage.folder)
    assert shown is not None and shown.plan is not None and not shown.summary.planning
    assert (shown.plan.new, shown.plan.all_refused, [note.word for note in shown.plan.notes]) == (2, 1, ["absent"])
    assert stage.letters == [] and shown.lines == ()
    assert orders.shown("autre", ident, stage.folder) is None
    sent = orders.give("dec", ident, Order.SEND, "", START, stage.folder)
    assert sent is not None and sent.plan is None and len(sent.lines) == 2
    orders.give("dec", ident, Order.SEND, "", START, stage.folder)
    stage.run()
    assert sorted(stage.to()) == ["absente", "anne"]


def test_further_agents_and_other_hours_come_by_a_plan_too(stage: House) -> None:
    stage.put(convocation("anne", "bruno"))
    stage.run()
    orders.ask_plan(draft(), IDENT, rows("chantal", "anne"), None, NOW, stage.folder)
    stage.run()
    shown = orders.shown("dec", IDENT, stage.folder)
    assert shown is not None and shown.plan is not None
    assert (shown.plan.new, shown.plan.changed, shown.plan.off, shown.plan.same) == (1, 0, 0, 2)
    later = msgspec.structs.replace(EVENT, begin="2026-06-15T09:00")
    orders.ask_plan(draft(), IDENT, [], later, NOW, stage.folder)
    stage.run()
    shown = orders.shown("dec", IDENT, stage.folder)
    assert shown is not None and shown.plan is not None and (shown.plan.new, shown.plan.changed) == (1, 2)
    orders.give("dec", IDENT, Order.SEND, "", START, stage.folder)
    stage.run()
    assert {invitee.event.begin for invitee in stage.held().invitees} == {"2026-06-15T09:00"}


def test_a_plan_that_cannot_be_made_says_why(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = orders.ask_plan(draft(), "", rows("anne", "bruno"), None, NOW, stage.folder)
    monkeypatch.setattr(plan, "MOST", 1)
    assert stage.run().failures == []
    shown = orders.shown("dec", ident, stage.folder)
    assert shown is not None and shown.plan is None and shown.failures == ("1 lignes au plus",)
    assert not shown.summary.planning


def test_nothing_is_done_dry_or_beside_another_process(stage: House) -> None:
    stage.put(convocation("anne"))
    assert stage.run(dry=True).done == [IDENT]
    with store.sending(stage.folder):
        stage.run()
    assert stage.letters == []
    stage.run()
    assert stage.to() == ["anne"]
