"""The times at which mail comes to the inbox: spans of time, made of the hours of an agent; public holidays of France.

Moments bear no offset: they are those of the platform's zone (`model`). What has to be compared with a file's time is
made one of the system (`seconds`), which knows summer time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import chain

from malleposte.accounts.mailbox.hours import holidays
from malleposte.accounts.mailbox.hours.model import MIDNIGHT, Hours, moment

type Span = tuple[datetime.datetime, datetime.datetime]
"""From a moment to another, which is not in it."""
DAY = datetime.timedelta(days=1)
FARTHEST = 380
"""Days that are looked at before and after: more than the longest time without mail."""
_FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER = (1, 39, 50)


def public_holidays(year: int) -> frozenset[datetime.date]:
    """Those of the whole country (article L3133-1 of the code du travail)."""
    easter = _easter(year)
    moving = (easter + days * DAY for days in _AFTER_EASTER)
    return frozenset(chain((datetime.date(year, month, day) for month, day in _FIXED), moving))


def _easter(year: int) -> datetime.date:
    """The Gregorian Easter (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return datetime.date(year, month, day + 1)


def _at(day: datetime.date, time: str) -> datetime.datetime:
    if time == MIDNIGHT:
        return datetime.datetime.combine(day + DAY, datetime.time())
    return datetime.datetime.combine(day, datetime.time.fromisoformat(time))


def _of_day(hours: Hours, day: datetime.date) -> Iterator[Span]:
    """The spans of a day in which mail comes, without regard to « Ne pas déranger »; a round is one without length."""
    if not hours.on:
        yield _at(day, "00:00"), _at(day, MIDNIGHT)
        return
    slots = [one for one in hours.slots if day.isoweekday() in one.days]
    if not slots or (hours.holidays and day in public_holidays(day.year)) or _closed(hours, day):
        return
    if hours.rounds:
        yield from ((_at(day, one), _at(day, one)) for one in hours.rounds)
        return
    yield from sorted((_at(day, one.begin), _at(day, one.end)) for one in slots)


def _closed(hours: Hours, day: datetime.date) -> bool:
    """Return whether the day is one of school holidays, for an agent whose mail waits then."""
    return any(first <= day <= last for first, last in map(holidays.period, hours.closed))


def spans(hours: Hours, day: datetime.date) -> Iterator[Span]:
    """The spans of a day in which mail comes to the inbox, the earliest first; a round is one without length."""
    for begin, end in _of_day(hours, day):
        if not hours.until:
            yield begin, end
            continue
        since, until = moment(hours.since), moment(hours.until)
        if begin == end:
            if not since <= begin < until:
                yield begin, end
            continue
        if begin < min(end, since):
            yield begin, min(end, since)
        if max(begin, until) < end:
            yield max(begin, until), end


def opens(hours: Hours, now: datetime.datetime) -> bool:
    """Whether mail that comes now comes to the inbox. The script of the agent (`script`) decides the same."""
    return any(begin <= now < end for begin, end in spans(hours, now.date()))


def last(hours: Hours, now: datetime.datetime) -> datetime.datetime | None:
    """The latest moment, not after `now`, at which waiting mail should have moved; None for none in a year."""
    for back in range(FARTHEST):
        moments = [min(end, now) for begin, end in spans(hours, now.date() - back * DAY) if begin <= now]
        if moments:
            return max(moments)
    return None


def following(hours: Hours, now: datetime.datetime) -> datetime.datetime | None:
    """The first moment after `now` at which waiting mail moves; `now` where it moves now, None for none in a year."""
    for ahead in range(FARTHEST):
        for begin, end in spans(hours, now.date() + ahead * DAY):
            if begin > now:
                return begin
            if begin <= now < end:
                return now
    return None


def change(hours: Hours, now: datetime.datetime) -> datetime.datetime:
    """The first moment after `now` at which a span begins or ends; a day later where there is none until then."""
    edges = (edge for ahead in range(2) for span in spans(hours, now.date() + ahead * DAY) for edge in span)
    return min((edge for edge in edges if edge > now), default=now + DAY)


def here(seconds_since_1970: float) -> datetime.datetime:
    """A time of the system as a moment of this host's zone."""
    return datetime.datetime.fromtimestamp(seconds_since_1970, datetime.UTC).astimezone().replace(tzinfo=None)


def seconds(moment_here: datetime.datetime) -> float:
    """A moment of this host's zone in seconds since 1970; of an hour that comes twice, the first."""
    return moment_here.timestamp()
