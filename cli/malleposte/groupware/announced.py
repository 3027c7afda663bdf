"""The words of a new event (RFC 5545) that a tool is told: title, beginning, end, place; of most events nothing.

Nothing is told of an event that is not public, was called off or declined, is over, or was made before the horizon:
such events come back, or were imported. An invitation counts from the day on which it is in the agenda.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Sequence
from typing import Any

import msgspec

from malleposte.groupware.busy import declined, whole_day
from malleposte.groupware.events import aware, length, moved, read, starts, text_of

LONGEST_TITLE, LONGEST_PLACE = 200, 200


class Announced(msgspec.Struct, frozen=True):
    """An event to tell: moments with their offset (`2030-03-04T14:00:00+01:00`), or days, the end included."""

    title: str
    begin: str
    end: str
    place: str = ""


def announced(text: str, now: datetime.datetime, horizon: datetime.datetime, mails: Container[str]) -> Announced | None:
    """The event of an item that was not in its agenda before; None where nothing is to be told.

    `now` has the zone in which the event is told. Of a series it is the next time. `mails`: addresses of the owner.
    Raises whatever vobject and dateutil raise.
    """
    events = read(text)
    if not events or any(_closed(event) or declined(event, mails) for event in events):
        return None
    event = next((one for one in events if "recurrence-id" not in one.contents), events[0])
    if _creation(event, now) < horizon and not _invited(event, mails):
        return None
    times = _next(event, events, now)
    if times is None:
        return None
    title, place = (_line(text_of(event, name), most) for name, most in
                    (("summary", LONGEST_TITLE), ("location", LONGEST_PLACE)))  # fmt: skip
    return Announced(title, *times, place)


def _closed(event: Any) -> bool:
    """Whether nobody is told of an event. A class that is unknown is private (RFC 5545, 3.8.1.3)."""
    return text_of(event, "class").upper() not in ("", "PUBLIC") or text_of(event, "status").upper() == "CANCELLED"


def _creation(event: Any, now: datetime.datetime) -> datetime.datetime:
    """The moment at which an event was made; one that does not say it is made now."""
    for name in ("created", "dtstamp"):
        if event.contents.get(name):
            value = event.contents[name][0].value
            if isinstance(value, str):
                value = datetime.datetime.fromisoformat(value.strip())
            return aware(value, datetime.UTC)
    return now


def _invited(event: Any, mails: Container[str]) -> bool:
    """Whether somebody else invited the owner."""
    by = {_address(one.value) for one in event.contents.get("organizer", ())}
    asked = {_address(one.value) for one in event.contents.get("attendee", ())}
    return bool(by) and not any(one in mails for one in by) and any(one in mails for one in asked)


def _next(event: Any, events: Sequence[Any], now: datetime.datetime) -> tuple[str, str] | None:
    """The first time of an event that is not over; None where all are."""
    zone = now.tzinfo
    assert zone is not None
    lasts, others = length(event), moved(events, zone)
    for begins in starts(event, zone, (now - lasts).timestamp()):
        begin = aware(begins, zone)
        if "recurrence-id" not in event.contents and begin in others:
            continue
        if whole_day(event):
            last = max(begins, begins + lasts - datetime.timedelta(days=1))
            return begins.isoformat(), last.isoformat()
        end = begin + lasts
        return begin.astimezone(zone).isoformat(timespec="seconds"), end.astimezone(zone).isoformat(timespec="seconds")
    return None


def _address(value: str) -> str:
    return value.strip().lower().removeprefix("mailto:")


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
