"""« Sondage de dates »: an agent asks people inside and outside; whoever has a link votes, without an account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from malleposte.accountd.call import Counts, call
from malleposte.accountd.calls.meetings import group
from malleposte.accountd.calls.meetings.group import MANY, PEOPLE, Typed
from malleposte.accountd.calls.meetings.invite import EVENT, HOST, OPEN, Notes
from malleposte.accountd.context import Context, NotFoundError, RefusedValueError, reached
from malleposte.accountd.message import Count, Done, Owned, Request, Secret, Text, fitting
from malleposte.accounts import facts
from malleposte.accounts.convocations import feed
from malleposte.accounts.convocations.model import Event
from malleposte.accounts.credentials.passwords import NotProvedError
from malleposte.accounts.feed.values import BadValueError
from malleposte.accounts.meetings import invite
from malleposte.accounts.meetings.polls import FEWEST, MOST_SLOTS, Row, Shown, Slot, Vote
from malleposte.platform import idents
from malleposte.throttle import costs

__all__ = ["EVENT", "FEWEST", "MANY", "MOST_SLOTS", "OPEN", "PEOPLE", "SLOTS", "AskPoll", "DecidePoll", "EndPoll",
           "MyPoll", "MyPolls", "PollPage", "Polls", "Row", "SeePoll", "Shown", "Slot", "Vote", "VotePoll"]  # fmt: skip
SLOTS = "slots"
"""The word of slots that cannot be taken."""
Lines = Annotated[str, Meta(max_length=1000)]
"""A slot a line: beginning and end (2026-06-15T08:00 2026-06-15T09:00)."""


class Polls(Done, frozen=True):
    """The polls of an agent, the newest first; `more`: and others."""

    polls: tuple[Shown, ...] = ()
    more: bool = False


class PollPage(Done, frozen=True):
    """A poll, as its organiser or as somebody who votes sees it. `visio`: a link can be made."""

    poll: Shown | None = None
    visio: bool = False


class MyPolls(Owned[Polls], frozen=True):
    """List them."""


class MyPoll(Owned[PollPage], frozen=True):
    """Show one with its votes."""

    poll: Text


class AskPoll(Owned[PollPage], frozen=True):
    """Open one: each person gets a letter with a link. With `tell`, those who vote see the others' votes."""

    title: Text
    slots: Lines
    people: Typed
    text: Notes = ""
    tell: bool = False


class EndPoll(Owned[PollPage], frozen=True):
    """End one without a meeting."""

    poll: Text


class DecidePoll(Owned[PollPage], frozen=True):
    """Take a slot, by its number from 0: the poll ends, and its people are invited."""

    poll: Text
    slot: Count
    visio: bool = False


class SeePoll(Request[PollPage], frozen=True):
    """Show a poll to whoever has a link (`ticket`)."""

    source: Text
    ticket: Secret


class VotePoll(Request[PollPage], frozen=True):
    """Vote: a letter of `Vote` for each slot."""

    source: Text
    ticket: Secret
    votes: Text


@call(cost=costs.LOOK)
def my_polls(context: Context, request: MyPolls) -> Polls:
    """Read them on the directory's host."""
    uid = context.owner(request.uid).uid
    with reached(what=HOST):
        every = context.tools.hosts.my_polls(uid)
    shown = fitting(every)
    return Polls(uid, polls=shown, more=len(shown) < len(every))


@call(cost=costs.LOOK)
def my_poll(context: Context, request: MyPoll) -> PollPage:
    """Read it."""
    uid, ident = context.owner(request.uid).uid, _ident(request.poll)
    with reached(what=HOST):
        poll = context.tools.hosts.my_poll(uid, ident)
    return _page(uid, poll)


@call()
def ask_poll(context: Context, request: AskPoll) -> PollPage:
    """Write it down; the worker sends the letters, as the agent."""
    uid = context.owner(request.uid).uid
    events = _events(request)
    invited = group.invited(context, uid, request.people)
    slots = tuple(Slot(one.begin, one.end) for one in events)
    people = tuple(map(group.shortened, invited.persons))
    with reached(what=HOST):
        poll = context.tools.hosts.ask_poll(
            invited.people[0].person, events[0].title, events[0].text, slots, people, request.tell
        )
    if poll is None:
        raise RefusedValueError(OPEN)
    context.journal.write("poll-ask", uid, poll=poll.ident, note=poll.title)
    return _page(uid, poll)


@call()
def end_poll(context: Context, request: EndPoll) -> PollPage:
    """End it at once."""
    uid, ident = context.owner(request.uid).uid, _ident(request.poll)
    with context.alone(uid, "polls"), reached(what=HOST):
        before, after = context.tools.hosts.my_poll(uid, ident), context.tools.hosts.end_poll(uid, ident)
    if before and after and before.open:
        context.journal.write("poll-end", uid, poll=ident, note=after.title)
    return _page(uid, after)


@call()
def decide_poll(context: Context, request: DecidePoll) -> PollPage:
    """End it, and call the meeting."""
    uid, ident = context.owner(request.uid).uid, _ident(request.poll)
    link = invite.visio_link(_visio()) if request.visio else ""
    with context.alone(uid, "polls"), reached(what=HOST):
        before, after = (
            context.tools.hosts.my_poll(uid, ident), context.tools.hosts.decide_poll(uid, ident, request.slot, link)
        )  # fmt: skip
    if before is not None and after is None:
        raise RefusedValueError(SLOTS)
    if after is not None and after.chosen < 0:
        raise RefusedValueError(OPEN)
    if before and after and before.chosen < 0:
        context.journal.write("poll-decide", uid, poll=ident, note=after.title)
    return _page(uid, after)


@call(counts=Counts.TICKET)
def see_poll(context: Context, request: SeePoll) -> PollPage:
    """Read it by the link alone."""
    with reached(what=HOST):
        poll = context.tools.hosts.see_poll(request.ticket[:200])
    return _by_link(poll)


@call(counts=Counts.TICKET)
def vote_poll(context: Context, request: VotePoll) -> PollPage:
    """Note the votes; they can be changed until the poll ends."""
    with reached(what=HOST):
        poll = context.tools.hosts.vote_poll(request.ticket[:200], request.votes[:200])
    return _by_link(poll)


def _by_link(poll: Shown | None) -> PollPage:
    """Return the page. Raises NotProvedError for a wrong link, and for a poll that has ended: one answer for both."""
    if poll is None:
        raise NotProvedError("no such poll")
    return PollPage(poll=poll)


def _page(uid: str, poll: Shown | None) -> PollPage:
    if poll is None:
        raise NotFoundError("no such poll")
    return PollPage(uid, poll=poll, visio=bool(_visio()))


def _visio() -> str:
    return str(facts.read().get("visio_url", ""))


def _ident(typed: str) -> str:
    if not idents.is_ident(typed):
        raise RefusedValueError("no name of a poll")
    return typed


def _events(request: AskPoll) -> list[Event]:
    """Return an event for each slot, in order. Raises RefusedValueError."""
    lines = sorted({line.strip() for line in request.slots.splitlines() if line.strip()})
    if not FEWEST <= len(lines) <= MOST_SLOTS:
        raise RefusedValueError(SLOTS)
    events = list[Event]()
    for line in lines:
        begin, _space, end = line.partition(" ")
        cells = {"agent": "-", "title": request.title, "begin": begin, "end": end, "text": request.text}
        try:
            events.append(feed.judged(0, lambda key, row=cells: row.get(key, "")).event)  # type: ignore[misc]
        except BadValueError as error:
            raise RefusedValueError(SLOTS if request.title.strip() else EVENT) from error
    if any(one.whole_days for one in events):
        raise RefusedValueError(SLOTS)
    return events
