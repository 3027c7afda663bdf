"""Time zones that a calendar names without describing them: the descriptions, from SOGo's own files.

SOPE 5.12 knows a zone by the block VTIMEZONE of the same calendar alone (iCalDateTime), and takes times of any other
for UTC: 14:00 in Paris is shown, and stored, as 15:00. The block is required (RFC 5545, 3.6.5); many programs leave it
out for the names of the IANA database, which everybody knows.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER = Path("/usr/share/GNUstep/Libraries/Resources/NGCards/TimeZones")
"""A file for each name of the IANA database, as SOGo itself describes it (package sope)."""
NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
FOLD = re.compile(rb"\r?\n[ \t]")
NAMED = re.compile(rb'[A-Z-]+(?:;(?:[^;:"]|"[^"]*")*+)*?;TZID="?([^";:,]+)', re.IGNORECASE)
"""In a line: a parameter TZID behind others. A stranger writes it, so there is one way to read each letter."""
BLOCK = re.compile(rb"^BEGIN:VTIMEZONE\b.*?^END:VTIMEZONE[ \t]*\r?$", re.MULTILINE | re.IGNORECASE | re.DOTALL)
TZID = re.compile(rb"^TZID(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
COMPONENT = re.compile(rb"^BEGIN:V(?:EVENT|TODO|JOURNAL|FREEBUSY)\b", re.MULTILINE | re.IGNORECASE)
MOST = 100
"""Zones of a calendar that are described: one that names more is made to cost."""


@functools.lru_cache(maxsize=1024)
def description(name: str, folder: Path = FOLDER) -> bytes:
    """Return the block of a zone under its name, with CRLF; empty for a name that is none of the IANA database."""
    if not NAME.fullmatch(name):
        return b""
    try:
        match = BLOCK.search((folder / f"{name}.ics").read_bytes())
    except OSError:
        return b""
    if match is None:
        return b""
    block = TZID.sub(b"TZID:" + name.encode(), match[0], count=1)
    return b"\r\n".join(line.rstrip() for line in block.splitlines()) + b"\r\n"


def in_zones(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Return each line of a calendar, unfolded, with whether it stands in the description of a zone."""
    inside = False
    for line in lines:
        word = line.strip().upper()
        if word in (b"BEGIN:VTIMEZONE", b"END:VTIMEZONE"):
            inside = word.startswith(b"BEGIN")
        else:
            yield line, inside


def _lacking(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the zones that lines name and do not describe, once each. A line is read once, whatever it holds."""
    described, named = set[bytes](), dict[bytes, None]()
    for line, inside in in_zones(lines):
        if inside and (value := TZID.match(line)):
            described.add(value[1].rstrip())
        elif not inside and (value := NAMED.match(line)):
            named[value[1]] = None
    return (one for one in named if one not in described)


def completed(calendar: bytes, folder: Path = FOLDER) -> bytes:
    """Return a calendar (RFC 5545, UTF-8) with a block for each zone that it names; the same bytes where none lacks."""
    place = COMPONENT.search(calendar)
    if place is None or b"TZID" not in calendar.upper():
        return calendar
    named = itertools.islice(_lacking(FOLD.sub(b"", calendar).splitlines()), MOST)
    blocks = b"".join(description(name.decode("utf-8", "replace"), folder) for name in named)
    return calendar[: place.start()] + blocks + calendar[place.start() :] if blocks else calendar
