"""Recurrence rules (RFC 5545, 3.3.10) that an agenda takes: whoever walks through them must come to an end.

Radicale walks through all times of a rule that ends, and of one without an end up to the time that is asked for. An
event each second, or a rule that no day ever meets, would hold one of its threads for hours.
"""

from __future__ import annotations

import datetime
import re
from itertools import islice
from typing import Any

from dateutil.rrule import rrulestr

YEARS = 30
SPAN = datetime.timedelta(days=YEARS * 365.25)
MOST, MOST_WITH_END = 25_000, 50_000
"""Times of a rule: within so many years, and in all where it ends."""
MOST_DAYS = 2_000
"""Times that an event lists one by one (RDATE)."""
MOST_STEPS = 100_000
"""Steps of a rule to its end, whether an event meets them or not: whoever walks takes each."""
STEPS_A_YEAR = {"YEARLY": 1, "MONTHLY": 12, "WEEKLY": 53, "DAILY": 366, "HOURLY": 366}
"""Hours of a day that the rule leaves out are one step."""
TOO_OFTEN = ("SECONDLY", "MINUTELY")
_FREQ, _INTERVAL = re.compile(r"FREQ=([A-Z]+)"), re.compile(r"INTERVAL=([0-9]{1,9})")
_COUNT, _UNTIL = re.compile(r"COUNT=([0-9]{1,12})"), re.compile(r"UNTIL=([0-9]{8}(?:T[0-9]{6})?)")


class RecurrenceError(ValueError):
    """A rule that is refused; the text says why."""


def check_item(item: Any) -> None:
    """Check the components of an iCalendar object (vobject). Raises RecurrenceError."""
    for kind in ("vevent", "vtodo", "vjournal"):
        for component in getattr(item, f"{kind}_list", ()):
            check(component)


def check(component: Any) -> None:
    """Check the rules of a component. Raises RecurrenceError."""
    contents = component.contents
    listed = sum(_length(line.value) for line in contents.get("rdate", ()))
    if listed > MOST_DAYS:
        raise RecurrenceError(f"an event lists {listed} times; {MOST_DAYS} at most")
    start = _naive(contents["dtstart"][0].value) if contents.get("dtstart") else None
    for line in (*contents.get("rrule", ()), *contents.get("exrule", ())):
        if start is None:
            raise RecurrenceError("a rule has no beginning")
        _check(str(line.value).upper(), start)


def _check(text: str, start: datetime.datetime) -> None:
    if any(f"FREQ={one}" in text for one in TOO_OFTEN):
        raise RecurrenceError(f"{text[:80]}: an agenda takes no event each second or minute")
    try:
        rule = rrulestr(text, dtstart=start, ignoretz=True)
        count, until = _count(text), _until(text)
        late = _late(start)
        span = min(until - start, SPAN) if until else SPAN
        within = rule.replace(dtstart=late, count=None, until=late + span)
        times = sum(1 for _time in islice(within, min(count or MOST, MOST) + 1))
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise RecurrenceError(f"{text[:80]}: no rule of recurrence: {error}") from error
    if not times:
        raise RecurrenceError(f"{text[:80]}: no day meets this rule in {YEARS} years")
    if times > MOST:
        raise RecurrenceError(f"{text[:80]}: more than {MOST} times in {YEARS} years")
    if count > MOST_WITH_END:
        raise RecurrenceError(f"{text[:80]}: more than {MOST_WITH_END} times")
    years = (until - start).days / 365 if until else YEARS * count / times if count > times else 0
    if not until and not count:
        # Whoever asks for today walks there from the beginning.
        years = (datetime.datetime.now() - start).days / 365 + YEARS  # a day more or less is the same
    if _steps(text, years) > MOST_STEPS:
        raise RecurrenceError(f"{text[:80]}: its end or its beginning is too far: more than {MOST_STEPS} steps")
    if until and sum(1 for _time in islice(rule, MOST_WITH_END + 1)) > MOST_WITH_END:
        raise RecurrenceError(f"{text[:80]}: more than {MOST_WITH_END} times")


def _late(start: datetime.datetime) -> datetime.datetime:
    """Return the same moment of a late year whose days, and those of the years after it, bear the same names.

    dateutil looks for the first time of a rule up to the last year that there is, which is near from there.
    """
    spring = datetime.date(start.year, 3, 1)
    for year in range(datetime.MAXYEAR - YEARS, start.year, -1):
        if year % 4 == start.year % 4 and spring.replace(year=year).weekday() == spring.weekday():
            return start.replace(year=year)
    return start


def _steps(text: str, years: float) -> float:
    frequency, interval = _FREQ.search(text), _INTERVAL.search(text)
    a_year = STEPS_A_YEAR.get(frequency[1], 0) if frequency else 0
    return years * a_year / max(int(interval[1]) if interval else 1, 1)


def _count(text: str) -> int:
    match = _COUNT.search(text)
    return int(match[1]) if match else 0


def _until(text: str) -> datetime.datetime | None:
    match = _UNTIL.search(text)
    return datetime.datetime.fromisoformat(match[1]) if match else None


def _naive(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    raise RecurrenceError("the beginning is no time")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else str(value).count(",") + 1
