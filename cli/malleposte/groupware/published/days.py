"""Whether a day is in a published calendar, such as one of school holidays."""

from __future__ import annotations

import datetime
import re

_FOLD = re.compile(r"\r?\n[ \t]")
_EVENT = re.compile(r"^BEGIN:VEVENT\r?$(.*?)^END:VEVENT\r?$", re.DOTALL | re.MULTILINE)
_DAY = r"(?:;[^:\r\n]*)?:([0-9]{8})(T[0-9]{6}Z?)?\r?$"
_START, _END = (re.compile(f"^{name}{_DAY}", re.MULTILINE) for name in ("DTSTART", "DTEND"))


def holds(text: str, day: datetime.date) -> bool:
    """Whether an event of the iCalendar text (RFC 5545) falls on the day. Of recurring ones the first time counts."""
    return any(_falls(event, day) for event in _EVENT.findall(_FOLD.sub("", text)))


def _falls(event: str, day: datetime.date) -> bool:
    start, end = _START.search(event), _END.search(event)
    if start is None:
        return False
    first = datetime.date.fromisoformat(start[1])
    if end is None:
        return day == first
    last = datetime.date.fromisoformat(end[1])
    # The end of whole days is the day after (RFC 5545, 3.6.1).
    return first <= day < last or (end[2] is not None and first <= day <= last)
