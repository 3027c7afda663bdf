"""An agent calls a meeting: the invitation leaves from the agent's own address; people answer as they always do."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from malleposte.accountd.call import call
from malleposte.accountd.calls.meetings import group
from malleposte.accountd.calls.meetings.group import MANY, PEOPLE, Typed
from malleposte.accountd.context import Context, NotFoundError, RefusedValueError, reached
from malleposte.accountd.message import Done, Owned, Text, fitting
from malleposte.accounts import facts
from malleposte.accounts.convocations import feed
from malleposte.accounts.convocations.model import Answer, Event
from malleposte.accounts.feed.values import BadValueError
from malleposte.accounts.meetings import invite
from malleposte.accounts.meetings.invite import Guest, Meeting
from malleposte.platform import idents
from malleposte.throttle import costs

__all__ = ["EVENT", "MANY", "OPEN", "PEOPLE", "Answer", "CallMeeting", "CallOffMeeting", "Event", "Guest", "Meeting",
           "Meetings", "MyMeetings"]  # fmt: skip
EVENT, OPEN = "event", "open"
"""The words of a refusal: the title, the day or the hours; too many meetings that are not over."""
HOST = "the directory's host"
Notes = Annotated[str, Meta(max_length=1000)]


class Meetings(Done, frozen=True):
    """The meetings that an agent called and that are not over; `more`: and others. `visio`: links can be made."""

    meetings: tuple[Meeting, ...] = ()
    more: bool = False
    visio: bool = False


class MyMeetings(Owned[Meetings], frozen=True):
    """List them."""


class CallMeeting(Owned[Meetings], frozen=True):
    """Invite people to a meeting (`begin`, `end`: 2026-06-15T08:00). With `visio` it gets a link of its own."""

    title: Text
    begin: Text
    end: Text
    people: Typed
    place: Text = ""
    text: Notes = ""
    visio: bool = False


class CallOffMeeting(Owned[Meetings], frozen=True):
    """Call one off: who was invited is told, and the entry leaves the agent's agenda."""

    meeting: Text


@call(cost=costs.LOOK)
def my_meetings(context: Context, request: MyMeetings) -> Meetings:
    """Read them on the directory's host."""
    return _list(context, context.owner(request.uid).uid)


@call()
def call_meeting(context: Context, request: CallMeeting) -> Meetings:
    """Write it down; the worker sends the letters."""
    uid = context.owner(request.uid).uid
    event = _event(request)
    invited = group.invited(context, uid, request.people)
    if request.visio:
        event = invite.with_visio(event, invite.visio_link(_visio()))
    with reached(what=HOST):
        meeting = context.tools.hosts.call_meeting(
            invited.people[0].person, event, tuple(map(group.shortened, invited.persons))
        )
    if meeting is None:
        raise RefusedValueError(OPEN)
    context.journal.write("meeting-call", uid, meeting=meeting.ident, note=event.title)
    return _list(context, uid)


@call()
def call_off_meeting(context: Context, request: CallOffMeeting) -> Meetings:
    """Note it; the worker tells the guests."""
    uid = context.owner(request.uid).uid
    if not idents.is_ident(request.meeting):
        raise RefusedValueError("no name of a meeting")
    with context.alone(uid, "meetings"), reached(what=HOST):
        before = {one.ident: one for one in context.tools.hosts.my_meetings(uid)}.get(request.meeting)
        after = context.tools.hosts.call_off_meeting(uid, request.meeting)
    if after is None:
        raise NotFoundError("no such meeting")
    if before is not None and after.off and not before.off:
        context.journal.write("meeting-off", uid, meeting=after.ident, note=after.event.title)
    return _list(context, uid)


def _list(context: Context, uid: str) -> Meetings:
    with reached(what=HOST):
        every = context.tools.hosts.my_meetings(uid)
    shown = fitting(every)
    return Meetings(uid, meetings=shown, more=len(shown) < len(every), visio=bool(_visio()))


def _visio() -> str:
    return str(facts.read().get("visio_url", ""))


def _event(request: CallMeeting) -> Event:
    """Return the event of a form. Raises RefusedValueError."""
    cells = {"agent": "-", "title": request.title, "begin": request.begin, "end": request.end, "place": request.place,
             "text": request.text}  # fmt: skip
    try:
        event = feed.judged(0, lambda key: cells.get(key, "")).event
    except BadValueError as error:
        raise RefusedValueError(EVENT) from error
    if event.whole_days:
        raise RefusedValueError(EVENT)
    return event
