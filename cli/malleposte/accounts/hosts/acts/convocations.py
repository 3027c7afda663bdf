"""Convocations and meetings: entries in agendas, answers in a box, and the portal's part on the directory's host."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.convocations import agenda, orders, replies, report, store
from malleposte.accounts.convocations.agenda import Filing
from malleposte.accounts.convocations.model import Convocation, Event, Order, Person, Row
from malleposte.accounts.convocations.orders import PDF, Mine, Office, Shown, Summary
from malleposte.accounts.convocations.paper import Printer
from malleposte.accounts.convocations.replies import Replies
from malleposte.accounts.hosts.acts.agendas import ONE_HOST
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.table import STORE_OF_THE_ACCOUNT, THIS_HOST, Uid, act, only
from malleposte.accounts.mailbox.later import submit
from malleposte.accounts.meetings import invite, polls
from malleposte.accounts.meetings.invite import Meeting
from malleposte.accounts.meetings.model import MOST_PEOPLE
from malleposte.accounts.meetings.polls import Shown as PollShown
from malleposte.core.errors import InputError
from malleposte.platform import idents

Ident = Annotated[str, msgspec.Meta(pattern=rf"^(?:{idents.IDENT})?\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
Filings = Annotated[tuple[Filing, ...], msgspec.Meta(max_length=20)]
Rows = Annotated[tuple[Row, ...], msgspec.Meta(max_length=500)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]
Slots = Annotated[tuple[polls.Slot, ...], msgspec.Meta(min_length=polls.FEWEST, max_length=polls.MOST_SLOTS)]
Persons = Annotated[tuple[Person, ...], msgspec.Meta(min_length=1, max_length=MOST_PEOPLE)]


@act(on=ONE_HOST, merge=only, label="agendas", in_turn=True)
def file_convocations(host: LocalHost, filings: Filings) -> list[tuple[str, str]]:
    """Put entries into agendas, or take them out; return those that failed (UID of the event, why)."""
    return agenda.file(host.agendas(), filings, _now().timestamp())


@act(on=STORE_OF_THE_ACCOUNT, merge=only)
def convocation_replies(_host: LocalHost, uid: Uid, since: Day, seen: dict[str, int]) -> Replies:
    """Return the answers in the box of an office, after those that were seen."""
    return replies.read(uid, datetime.date.fromisoformat(since), seen)


@act(on=THIS_HOST, merge=only, accountd=True)
def my_convocations(host: LocalHost, uid: Uid) -> list[Mine]:
    """Return the convocations of an agent that are not over."""
    return orders.mine(uid, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def answer_convocation(host: LocalHost, uid: Uid, invitation: Word, yes: bool) -> Mine | None:
    """Note an agent's answer; None where the agent has no such convocation."""
    return orders.answer(uid, invitation, yes, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def convoking_offices(host: LocalHost) -> list[str]:
    """Return the addresses of the boxes that may convoke from the portal."""
    return [one.lower() for one in host.rules.convocations.offices]


@act(on=THIS_HOST, merge=only, accountd=True)
def office_convocations(host: LocalHost, uid: Uid) -> list[Summary]:
    """Return the convocations of an office, the newest first."""
    return orders.listed(uid, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def office_convocation(host: LocalHost, uid: Uid, ident: Ident) -> Shown | None:
    """Return a convocation of an office; None where it has none of that name."""
    return orders.shown(uid, ident, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def plan_convocation(
    host: LocalHost, by: Uid, office: Office, ident: Ident, name: Word, rows: Rows, event: Event | None = None,
    substitute: bool = False,
) -> str:  # fmt: skip
    """Have the plan of a convocation made; return its identifier, nothing where the office has too many.

    With an `ident` these rows are added to it; with an `event` whoever is invited already comes then.
    """
    rules, now = host.rules.convocations, _now()
    if office.mail.lower() not in {one.lower() for one in rules.offices}:
        raise InputError(f"{office.mail} may not convoke from the portal", "the fact malleposte_convocations names it")
    new = Convocation(
        idents.new_ident(now), name, office.uid, office.mail, office.title, office.mail.rpartition("@")[2], by,
        int(now.timestamp()), substitute=substitute, remind_days=rules.reminder_days,
    )  # fmt: skip
    return orders.ask_plan(new, ident, rows, event, now, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def order_convocation(host: LocalHost, uid: Uid, ident: Ident, order: Order, key: Word = "") -> Shown | None:
    """Carry out an order of an office on a convocation, or on one of its agents; None where it has none."""
    return orders.give(uid, ident, order, key, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def convocation_report(host: LocalHost, uid: Uid, ident: Ident, form: Word) -> bytes | None:
    """Return the report of a convocation of an office, as CSV or PDF; None where it has none of that name."""
    if orders.shown(uid, ident, host.convocations_folder) is None:
        return None
    one = store.load(ident, host.convocations_folder)
    if form != PDF:
        return report.csv(one)
    printer = Printer(str(facts.read()["academy"]), host.rules.convocations.order)
    return report.pdf(one, printer, _now().astimezone().date())


@act(on=STORE_OF_THE_ACCOUNT, merge=only)
def submit_letter(_host: LocalHost, uid: Uid, message_id: Word, when: int, text: str) -> submit.Reply:
    """Hand a letter over as an agent, by the rules of submission."""
    raw = text.encode("ascii", "replace")
    return submit.ask(submit.Request(uid, message_id, float(when), len(raw)), raw)


@act(on=THIS_HOST, merge=only, accountd=True)
def call_meeting(host: LocalHost, by: Person, event: Event, guests: Persons) -> Meeting | None:
    """Call a meeting of an agent; None where the agent has too many."""
    return invite.call(by, event, guests, _now(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def my_meetings(host: LocalHost, uid: Uid) -> list[Meeting]:
    """Return the meetings of an agent that are not over."""
    return invite.listed(uid, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def call_off_meeting(host: LocalHost, uid: Uid, ident: Ident) -> Meeting | None:
    """Call a meeting of an agent off; None where there is none of that name."""
    return invite.call_off(uid, ident, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def ask_poll(
    host: LocalHost, by: Person, title: Word, text: Note, slots: Slots, people: Persons, tell: bool
) -> PollShown | None:
    """Open a poll of dates; None where the agent has too many."""
    return polls.ask(by, title, text, slots, people, tell, _now(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def my_polls(host: LocalHost, uid: Uid) -> list[PollShown]:
    """Return the polls of an agent."""
    return polls.listed(uid, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def my_poll(host: LocalHost, uid: Uid, ident: Ident) -> PollShown | None:
    """Return a poll of an agent with its votes; None where there is none of that name."""
    return polls.of_owner(uid, ident, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def end_poll(host: LocalHost, uid: Uid, ident: Ident) -> PollShown | None:
    """End a poll of an agent."""
    return polls.end(uid, ident, host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def decide_poll(host: LocalHost, uid: Uid, ident: Ident, slot: int, link: Word) -> PollShown | None:
    """Take a slot of a poll, and invite its people."""
    return polls.decide(uid, ident, slot, link, _now(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def see_poll(host: LocalHost, link: Word) -> PollShown | None:
    """Return what somebody sees who follows a link; None for a wrong one, and for a poll that has ended."""
    return polls.seen(link, _now().timestamp(), host.convocations_folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def vote_poll(host: LocalHost, link: Word, votes: Word) -> PollShown | None:
    """Note the votes of who has a link."""
    return polls.vote(link, votes, _now().timestamp(), host.convocations_folder)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
