"""The days of a published calendar, such as one of school holidays."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

_FOLD = re.compile(r"\r?\n[ \t]")
_EVENT = re.compile(r"^BEGIN:VEVENT\r?$(.*?)^END:VEVENT\r?$", re.DOTALL | re.MULTILINE)
_DAY = r"(?:;[^:\r\n]*)?:([0-9]{8})(T[0-9]{6}Z?)?\r?$"
_START, _END = (re.compile(f"^{name}{_DAY}", re.MULTILINE) for name in ("DTSTART", "DTEND"))


def holds(text: str, day: datetime.date) -> bool:
    """Return whether an event of the text (RFC 5545) falls on the day. Of recurring ones the first time counts."""
    return any(first <= day <= last for first, last in periods(text))


def periods(text: str) -> Iterator[tuple[datetime.date, datetime.date]]:
    """Yield the first and the last day of each event."""
    for event in _EVENT.findall(_FOLD.sub("", text)):
        start, end = _START.search(event), _END.search(event)
        if start is None:
            continue
        first = last = datetime.date.fromisoformat(start[1])
        if end is not None:
            last = datetime.date.fromisoformat(end[1])
            if end[2] is None:  # the end of whole days is the day after (RFC 5545, 3.6.1)
                last -= datetime.timedelta(days=1)
        if first <= last:
            yield first, last
