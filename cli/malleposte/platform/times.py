"""Times in UTC, to the second: those of the directory are generalizedTime (RFC 4517, 3.3.13). For people: `local`."""

from __future__ import annotations

import datetime

DATE_TIME = "%Y%m%dT%H%M%SZ"
"""A time in UTC in iCalendar (RFC 5545, 3.3.5)."""
_FORM = "%Y%m%d%H%M%SZ"
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
_DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
_MONTHS_EN = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip
_DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def stamp(when: datetime.datetime) -> str:
    """A time, which must bear its zone, as the directory keeps it."""
    return when.astimezone(datetime.UTC).strftime(_FORM)


def iso(seconds: int) -> str:
    """Return seconds since 1970 as ISO 8601, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def iso_here(seconds: float, timespec: str = "seconds") -> str:
    """Return seconds since 1970 as ISO 8601, in this machine's zone; empty for 0, which is no time."""
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).astimezone().isoformat(timespec=timespec)


def day(text: str) -> datetime.datetime | None:
    """The beginning of a day, written `20260314` as names of files have it; None when it is none."""
    return when(f"{text}000000Z")


def local(moment: datetime.datetime | str | float) -> str:
    """Return a time for people, in this machine's zone, which is named: `2026-03-14 09:00 CET`.

    A number is seconds since 1970. A text is read as ISO 8601, and stays as it is where it is none; what names no zone
    is UTC.
    """
    if isinstance(moment, int | float):
        return local(datetime.datetime.fromtimestamp(moment, datetime.UTC))
    if isinstance(moment, str):
        try:
            return local(datetime.datetime.fromisoformat(moment))
        except ValueError:
            return moment
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return f"{aware.astimezone():%Y-%m-%d %H:%M %Z}"


def in_french(date: datetime.date, *, weekday: bool = False) -> str:
    """Return a date as French letters write it: `1er mars 2026`, `dimanche 1er mars 2026`."""
    day = "1er" if date.day == 1 else str(date.day)
    return f"{f'{_DAYS[date.weekday()]} ' if weekday else ''}{day} {_MONTHS[date.month - 1]} {date.year}"


def in_english(date: datetime.date, *, weekday: bool = False) -> str:
    """Return a date as English letters write it, whatever the locale: `1 March 2026`, `Sunday 1 March 2026`."""
    return f"{f'{_DAYS_EN[date.weekday()]} ' if weekday else ''}{date.day} {_MONTHS_EN[date.month - 1]} {date.year}"


def when(text: str) -> datetime.datetime | None:
    """A time of the directory, with or without fractions of a second; None when it is none."""
    try:
        return datetime.datetime.strptime(text.partition(".")[0].rstrip("Z") + "Z", _FORM).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
