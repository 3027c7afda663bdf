"""Times in UTC, to the second: those of the directory are generalizedTime (RFC 4517, 3.3.13)."""

from __future__ import annotations

import datetime

DATE_TIME = "%Y%m%dT%H%M%SZ"
"""A time in UTC in iCalendar (RFC 5545, 3.3.5)."""
_FORM = "%Y%m%d%H%M%SZ"


def stamp(when: datetime.datetime) -> str:
    """A time, which must bear its zone, as the directory keeps it."""
    return when.astimezone(datetime.UTC).strftime(_FORM)


def day(text: str) -> datetime.datetime | None:
    """The beginning of a day, written `20260314` as names of files have it; None when it is none."""
    return when(f"{text}000000Z")


def when(text: str) -> datetime.datetime | None:
    """A time of the directory, with or without fractions of a second; None when it is none."""
    try:
        return datetime.datetime.strptime(text.partition(".")[0].rstrip("Z") + "Z", _FORM).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
