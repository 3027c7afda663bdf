"""« Trouver un créneau »: when a group is free, in both classes. Of others' events nothing but « occupé » is told."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from malleposte.accountd.call import call
from malleposte.accountd.calls.meetings import group
from malleposte.accountd.calls.meetings.group import MANY, PEOPLE, Guest, Typed
from malleposte.accountd.context import Context, ForbiddenError, RefusedValueError, reached
from malleposte.accountd.message import Count, Done, Forbidden, Owned, Text
from malleposte.accounts import facts
from malleposte.accounts.meetings.model import LONGEST, LONGEST_DAYS, MOST_PEOPLE, SHORTEST, Slot, Span
from malleposte.accounts.meetings.slots import Window, propose
from malleposte.platform.times import DATE_TIME
from malleposte.throttle import costs

__all__ = [
    "DAYS", "HOURS", "LONGEST", "LONGEST_DAYS", "MANY", "MOST_PEOPLE", "PEOPLE", "SHORTEST", "FindSlots", "Guest",
    "Slot", "SlotsFound",
]  # fmt: skip
DAYS, HOURS = "days", "hours"
"""The words of a value that is refused: the days, the hours or the duration."""
SEARCHES_A_DAY = 100
"""Searches of an agent."""


class SlotsFound(Done, frozen=True):
    """The slots, the best first; the people, the agent first; words that are nobody's.

    `begin` and `end` are the hours of a day that were looked at.
    """

    slots: tuple[Slot, ...] = ()
    people: tuple[Guest, ...] = ()
    refused: tuple[str, ...] = ()
    begin: str = ""
    end: str = ""


class FindSlots(Owned[SlotsFound], frozen=True):
    """Find slots of so many minutes between two days (2026-06-15), the agent's own agenda included.

    `begin` and `end`: hours of a day (08:30); without them those of the academy's day of work.
    """

    people: Typed
    minutes: Count
    first: Text
    last: Text
    begin: Text = ""
    end: Text = ""
    saturday: bool = False


@call(cost=costs.LOOK, slow=True)
def find_slots(context: Context, request: FindSlots) -> SlotsFound:
    """Ask the agendas of both classes, and compare."""
    uid, now = context.owner(request.uid).uid, context.tools.now()
    window = _window(request, now)
    if context.tools.limits.day(uid, "slots", SEARCHES_A_DAY).wait:
        raise ForbiddenError(Forbidden.CAP)
    invited = group.read(context, uid, request.people)
    with reached(what="the host of the agendas"):
        times = context.tools.hosts.busy_times(invited.asked(), *(_utc(moment) for moment in window.whole))
    busy = {one.uid: [_span(*pair) for pair in one.busy] for one in times if one.known}
    return SlotsFound(
        uid, slots=tuple(propose(window, busy, now)), people=invited.guests(busy), refused=invited.refused,
        begin=f"{window.begins:%H:%M}", end=f"{window.ends:%H:%M}",
    )  # fmt: skip


def _window(request: FindSlots, now: datetime.datetime) -> Window:
    """Return the time that is looked at. Raises RefusedValueError with the word of what is wrong."""
    day: Mapping[str, Any] = facts.read().get("agenda", {})
    try:
        first, last = (datetime.date.fromisoformat(one) for one in (request.first, request.last))
    except ValueError as error:
        raise RefusedValueError(DAYS) from error
    first = max(first, now.astimezone().date())
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise RefusedValueError(DAYS)
    try:
        begins = _hour(request.begin) if request.begin else datetime.time(int(day.get("day_start", 8)))
        ends = _hour(request.end) if request.end else datetime.time(int(day.get("day_end", 18)))
    except ValueError as error:
        raise RefusedValueError(HOURS) from error
    room = (ends.hour - begins.hour) * 60 + ends.minute - begins.minute
    if not SHORTEST <= request.minutes <= min(LONGEST, room):
        raise RefusedValueError(HOURS)
    return Window(first, last, begins, ends, request.minutes, request.saturday)


def _hour(typed: str) -> datetime.time:
    return datetime.datetime.strptime(typed, "%H:%M").time()  # noqa: DTZ007  # an hour of any day


def _utc(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):{DATE_TIME}}"


def _span(begin: str, end: str) -> Span:
    first, last = (datetime.datetime.strptime(one, DATE_TIME).replace(tzinfo=datetime.UTC) for one in (begin, end))
    return first, last
