"""The school holidays of the academy, as the host of the published calendars hands them to the hosts of mailboxes."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

from malleposte.core.errors import InputError, MallepostError

FILE = Path("/var/lib/malleposte-calendars/school-holidays.json")
"""The periods on the host of the published calendars, which the job of the calendars writes."""
MOST = 60
"""Periods at most: those of six years."""
_PERIOD = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{4}-[0-9]{2}-[0-9]{2})")

type Days = tuple[datetime.date, datetime.date]
"""The first and the last day."""


def written(first: datetime.date, last: datetime.date) -> str:
    """Return the form of a period, `2026-12-19/2027-01-03` (ISO 8601, 5.5.1): its first and its last day."""
    return f"{first.isoformat()}/{last.isoformat()}"


def period(text: str) -> Days:
    """Return the days of such a text. Raises InputError."""
    parts = _PERIOD.fullmatch(text)
    try:
        first, last = map(datetime.date.fromisoformat, parts.groups() if parts else ("", ""))
    except ValueError as error:
        raise InputError(f"{text[:30]!r} is no period", "2026-12-19/2027-01-03 is one") from error
    if first > last:
        raise InputError(f"{text} ends before it begins")
    return first, last


def dumped(periods: tuple[str, ...]) -> str:
    """Return the text of a file of periods."""
    return json.dumps(periods)


def loaded(text: str, path: Path) -> tuple[str, ...]:
    """Return the periods of such a file. Raises MallepostError, which names it."""
    try:
        periods = tuple(map(str, json.loads(text)))
        for one in periods:
            period(one)
    except (ValueError, TypeError, InputError) as error:
        raise MallepostError(f"{path}: {error}", "the next run of the nightly work writes it again") from error
    return periods
