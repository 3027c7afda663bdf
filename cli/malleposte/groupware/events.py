"""Times of events (RFC 5545), as vobject reads them: series, days that were moved, what lasts a whole day."""

from __future__ import annotations

import contextlib
import datetime
import signal
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from malleposte.groupware.calendar_zones import vobject

PATIENCE = 2.0
"""Seconds for one item: a rule that never comes true would be followed to the year 9999."""


def read(text: str) -> list[Any]:
    """Return the events of an item, in the time zones that it describes itself."""
    events: list[Any] = vobject().readOne(text).contents.get("vevent", [])
    return events


def starts(event: Any, zone: datetime.tzinfo, after: float) -> Iterator[datetime.date]:
    """The beginnings of an event after that second, in order."""
    start = event.dtstart.value
    days = not isinstance(start, datetime.datetime)
    rules = event.getrruleset(addRDate=True) if "recurrence-id" not in event.contents else None
    if rules is None:
        if aware(start, zone).timestamp() > after:
            yield start
        return
    moment = datetime.datetime.fromtimestamp(after, zone)
    naive = days or start.tzinfo is None
    for one in rules.xafter(moment.replace(tzinfo=None) if naive else moment):
        yield one.date() if days else one


def length(event: Any) -> datetime.timedelta:
    """The duration of an event: to its end, by its duration, or the one that RFC 5545 (3.6.1) gives it."""
    if "dtend" in event.contents:
        lasts: datetime.timedelta = event.dtend.value - event.dtstart.value
        return lasts
    if "duration" in event.contents:
        duration: datetime.timedelta = event.duration.value
        return duration
    return datetime.timedelta(days=0 if isinstance(event.dtstart.value, datetime.datetime) else 1)


def aware(moment: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    """The same moment with a zone, `zone` where it has none; of a day its beginning."""
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  # its zone follows
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def moved(events: Sequence[Any], zone: datetime.tzinfo) -> set[datetime.datetime]:
    """The beginnings, in a series, of the days that have an event of their own (RECURRENCE-ID)."""
    return {aware(one.recurrence_id.value, zone) for one in events if "recurrence-id" in one.contents}


def text_of(part: Any, name: str) -> str:
    """The value of a property, empty for none."""
    return str(part.contents[name][0].value).strip() if part.contents.get(name) else ""


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, once the parser is there: that takes longer than an item."""
    vobject()

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
