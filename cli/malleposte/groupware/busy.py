"""The times at which an agent of the light class is busy, by the events in Radicale's store (RFC 4791, section 7.10).

An event that is transparent or called off takes no time; whatever else it says, nothing but its times goes out.
"""

from __future__ import annotations

import datetime
import functools
import re
import time
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.groupware import items
from malleposte.groupware.events import PATIENCE, aware, bounded, length, moved, read, starts, text_of
from malleposte.platform.times import DATE_TIME

QUARTER = datetime.timedelta(minutes=15)
UTC = datetime.UTC
Span = tuple[datetime.datetime, datetime.datetime]
"""Beginning and end, with their zone."""

_EVENT = re.compile(r"^BEGIN:VEVENT\r?$", re.MULTILINE)
_SEVERAL = re.compile(r"^(RRULE|RDATE|RECURRENCE-ID)\b", re.MULTILINE)
_DAY = re.compile(r"^DT(START|END)\b[^:\r\n]*:(\d{8})", re.MULTILINE)


def window(first: datetime.date, last: datetime.date, zone: datetime.tzinfo) -> Span:
    """From the beginning of the first day to the end of the last one."""
    return aware(first, zone), aware(last + datetime.timedelta(days=1), zone)


def may_meet(text: str, first: datetime.date, last: datetime.date) -> bool:
    """Whether an item is worth reading for these days; a glance, since its parser is slow."""
    if not _EVENT.search(text):
        return False
    # Zones have days of their own. What is cut off is worth reading, and no search begins again for each beginning.
    own, *zones = text.split("\nBEGIN:VTIMEZONE")
    own += "".join(zone.partition("\nEND:VTIMEZONE")[2] for zone in zones)
    days = {name: datetime.datetime.strptime(day, "%Y%m%d").date() for name, day in _DAY.findall(own)}  # noqa: DTZ007
    if _SEVERAL.search(own) or len(days) < 2:
        return True
    margin = datetime.timedelta(days=2)  # of zones
    return days["START"] - margin <= last and first <= days["END"] + margin


def spans(
    text: str, first: datetime.datetime, last: datetime.datetime, zone: datetime.tzinfo, mails: Container[str] = ()
) -> Iterator[Span]:
    """The times of an item that take time of its owner and meet those between `first` and `last`."""
    return ((start, end) for _event, start, end in occurrences(text, first, last, zone, mails))


def occurrences(
    text: str, first: datetime.datetime, last: datetime.datetime, zone: datetime.tzinfo, mails: Container[str] = ()
) -> Iterator[tuple[Any, datetime.datetime, datetime.datetime]]:
    """The same, each with its event.

    `mails`: the owner's addresses. What was declined under one of them takes no time.
    """
    events = read(text)
    others = moved(events, zone)
    for event in events:
        if text_of(event, "transp").upper() == "TRANSPARENT" or text_of(event, "status").upper() == "CANCELLED":
            continue
        if declined(event, mails):
            continue
        lasts = length(event)
        # A second earlier, since what begins then is looked for too.
        for begins in starts(event, zone, (first - lasts).timestamp() - 1):
            start = aware(begins, zone)
            if start >= last:
                break
            if "recurrence-id" not in event.contents and start in others:
                continue
            end = aware(begins + lasts, zone)
            if end > first and end > start:
                yield event, start, end


def whole_day(event: Any) -> bool:
    """Whether an event has no hours."""
    return not isinstance(event.dtstart.value, datetime.datetime)


def declined(event: Any, mails: Container[str]) -> bool:
    """Whether the owner said no."""
    return any(
        one.value.strip().lower().removeprefix("mailto:") in mails
        and one.params.get("PARTSTAT", [""])[0].upper() == "DECLINED"
        for one in event.contents.get("attendee", ())
    )


@dataclass
class Busy:
    """The times of one agent between two days, both included. `unread`: items that say nothing, with the reason.

    `mails`: the agent's addresses. With `seconds`, that is all the time that the items may take to read: who has more
    than that is `over`.
    """

    root: Path
    zone: datetime.tzinfo
    first: datetime.date
    last: datetime.date
    mails: Container[str] = ()
    seconds: float = 0.0
    unread: list[tuple[str, str]] = field(default_factory=list)
    has_events: bool = False
    over: bool = False

    def of(self, uid: str) -> list[Span]:
        """The times in which an agent is busy. `has_events` tells afterwards whether an agenda of theirs has any."""
        folders = items.agendas(self.root / uid)
        paths = [path for folder in folders for path in items.listed(folder)]
        return self._read((f"{one.parent.name}/{one.name}", functools.partial(items.content, one)) for one in paths)

    def in_texts(self, texts: Iterable[str]) -> list[Span]:
        """The same by the texts of events, which are kept elsewhere."""
        return self._read((f"event {number}", functools.partial(str, text)) for number, text in enumerate(texts, 1))

    def times(self, text: str) -> list[Span]:
        """The times of one item."""
        return list(spans(text, *window(self.first, self.last, self.zone), self.zone, self.mails))

    def _read(self, named: Iterable[tuple[str, Callable[[], str | None]]]) -> list[Span]:
        until, spans = time.monotonic() + self.seconds, list[Span]()
        for name, content in named:
            if self.seconds and time.monotonic() > until:
                self.over = True
                break
            spans += self._of(name, content)
        return spans

    def _of(self, name: str, content: Callable[[], str | None]) -> list[Span]:
        try:
            text = content() or ""
            self.has_events = self.has_events or bool(_EVENT.search(text))
            if not may_meet(text, self.first, self.last):
                return []
            with bounded(PATIENCE):
                return self.times(text)
        except Exception as error:  # noqa: BLE001  # vobject and dateutil raise whatever their parsers meet
            self.unread.append((name, f"{type(error).__name__}: {error}"))
            return []


def in_utc(spans: list[Span], begin: datetime.datetime, end: datetime.datetime) -> list[tuple[str, str]]:
    """Beginnings and ends within these moments, as iCalendar has them in UTC; those that meet are one."""
    joined: list[Span] = []
    for starts_at, ends_at in sorted((max(one[0], begin), min(one[1], end)) for one in spans):
        if joined and starts_at <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], ends_at)
        elif starts_at < ends_at:
            joined.append((starts_at, ends_at))
    return [(f"{one.astimezone(UTC):{DATE_TIME}}", f"{other.astimezone(UTC):{DATE_TIME}}") for one, other in joined]


def by_quarters(
    spans: list[Span], first: datetime.date, last: datetime.date, zone: datetime.tzinfo
) -> dict[str, dict[str, dict[str, int]]]:
    """The same as SOGo's page takes it: day (YYYYMMDD), hour, minute of a quarter, 1 where it is taken.

    Hours without any are left out. Times are those of `zone`.
    """
    begin, end = window(first, last, zone)
    days: dict[str, dict[str, dict[str, int]]] = {}
    for starts_at, ends_at in spans:
        # In UTC: a day on which the clocks are changed has quarters that local time does not count.
        moment = max(starts_at, begin).astimezone(UTC)
        moment -= datetime.timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
        while moment < min(ends_at, end):
            local = moment.astimezone(zone)
            hours = days.setdefault(f"{local:%Y%m%d}", {})
            quarters = hours.setdefault(str(local.hour), {str(minute): 0 for minute in (0, 15, 30, 45)})
            quarters[str(local.minute)] = 1
            moment += QUARTER
    return days
