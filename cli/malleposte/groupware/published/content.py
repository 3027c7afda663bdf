"""An iCalendar file (RFC 5545) to publish: checked, less what no published calendar may do, cut into items.

Kept are events and the time zones that they name. Alarms would ring on every telephone, attendees and organizers would
make invitations of events, attachments would be fetched by every reader: they are left out, as are tasks and journals.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from malleposte.accounts.agendas.model import Kind, unfolded
from malleposte.accounts.agendas.radicale import TAGS, as_kept
from malleposte.core.errors import InputError

MOST_BYTES = 5 << 20
MOST_EVENTS = 2000
MAKER = "PRODID:-//Malleposte//calendar//FR"
_DEEPEST = 4
_OCTETS = 73
"""Octets of a line before it is folded (RFC 5545, 3.1 allows 75)."""
_PROPERTY = re.compile(r"([A-Za-z0-9-]+)[;:]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_OUT = frozenset(("ATTENDEE", "ORGANIZER", "ATTACH", "CLASS", "REQUEST-STATUS"))
_STAMP = "DTSTAMP:20000101T000000Z"
Kept = Callable[[str, str], str | None]
"""(text of an item, tag) -> the text as Radicale keeps it, None where it would not."""


@dataclass
class _Part:
    """A component: its name, its properties a line each, its components."""

    name: str
    lines: list[str] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The value of its first property of that name; empty without."""
        text = next((line for line in self.lines if _name(line) == name), "")
        return re.split(r':(?=(?:[^"]*"[^"]*")*[^"]*$)', text, maxsplit=1)[-1].strip() if text else ""

    def written(self) -> Iterator[str]:
        """Its lines."""
        yield f"BEGIN:{self.name}"
        yield from self.lines
        for one in self.parts:
            yield from one.written()
        yield f"END:{self.name}"


@dataclass(frozen=True)
class Content:
    """A checked file: the items by their names in a store, the number of events."""

    items: Mapping[str, str]
    events: int


def check(content: bytes, what: str, normalise: Kept = as_kept, *, least: int = 1) -> Content:
    """Return the content of a file, of `least` so many events.

    Raises InputError, which begins with `what`, on anything that cannot be published.
    """
    calendar = _calendar(content, what)
    events = [_cleaned(one) for one in calendar.parts if one.name == "VEVENT"]
    if len(events) < least:
        raise _refused(what, "it has no event", "look at the file")
    if len(events) > MOST_EVENTS:
        raise _refused(what, f"{len(events)} events, {MOST_EVENTS} at most", "publish a part of it")
    for one in events:
        if not one.value("DTSTART"):
            raise _refused(what, f"the event {one.value('UID')[:80]} has no beginning (DTSTART)", "correct the file")
    zones = {one.value("TZID"): one for one in calendar.parts if one.name == "VTIMEZONE"}
    return Content(_items(events, zones, what, normalise), len(events))


def whole(items: Mapping[str, str], name: str) -> str:
    """One file of all items, as the web serves it."""
    zones: dict[str, list[str]] = {}
    events: list[str] = []
    for text in items.values():
        for one in _parts(unfolded(text).split("\n"), "").parts[0].parts:
            if one.name == "VTIMEZONE":
                zones.setdefault(one.value("TZID"), list(one.written()))
            else:
                events += one.written()
    head = [f"X-WR-CALNAME:{_escaped(name)}", "X-PUBLISHED-TTL:PT12H", "REFRESH-INTERVAL;VALUE=DURATION:PT12H"]
    return _text([*head, *(line for zone in zones.values() for line in zone), *events])


def _calendar(content: bytes, what: str) -> _Part:
    if len(content) > MOST_BYTES:
        raise _refused(what, f"more than {MOST_BYTES >> 20} MB", "publish a part of it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(what, f"not UTF-8 (octet {error.start})", "save it as UTF-8") from error
    lines = [line.rstrip("\r") for line in unfolded(text).split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR":
        raise _refused(what, "not an iCalendar file: it does not begin with BEGIN:VCALENDAR", "give a file .ics")
    top = _parts(lines, what)
    if len(top.parts) != 1 or top.lines:
        raise _refused(what, "not one calendar (BEGIN:VCALENDAR … END:VCALENDAR)", "give a file .ics")
    return top.parts[0]


def _parts(lines: Iterable[str], what: str) -> _Part:
    """The components of these lines, in one without a name. Raises InputError."""
    open_ = [_Part("")]
    for number, raw in enumerate(lines, 1):
        line = _CONTROL.sub("", raw)
        if not line.strip():
            continue
        name = _name(line)
        if not name:
            raise _refused(what, f"line {number} is no property of iCalendar: {line[:40]!r}", "correct the file")
        value = line.partition(":")[2].strip().upper()
        if name == "BEGIN":
            if len(open_) > _DEEPEST:
                raise _refused(what, f"line {number}: components too deep in each other", "correct the file")
            open_.append(_Part(value))
            open_[-2].parts.append(open_[-1])
        elif name == "END":
            if open_.pop().name != value or not open_:
                raise _refused(what, f"line {number}: END:{value[:40]} without its BEGIN", "correct the file")
        else:
            open_[-1].lines.append(line)
    if len(open_) > 1:
        raise _refused(what, f"END:{open_[-1].name[:40]} is missing: the file is cut off", "send it again")
    return open_[0]


def _cleaned(event: _Part) -> _Part:
    lines = [line for line in event.lines if _name(line) not in _OUT]
    part = _Part(event.name, lines)
    if not part.value("UID"):
        lines.append(f"UID:{_digest(chr(10).join(lines))}")
    if not part.value("DTSTAMP"):
        lines.append(_STAMP)
    return part


def _items(events: list[_Part], zones: Mapping[str, _Part], what: str, normalise: Kept) -> dict[str, str]:
    by_uid: dict[str, list[_Part]] = {}
    for one in events:
        by_uid.setdefault(one.value("UID"), []).append(one)
    items = {}
    for uid, parts in by_uid.items():
        lines = [line for one in parts for line in one.written()]
        named = [
            zone for ident, zone in zones.items() if any(f"TZID={ident}" in line.replace('"', "") for line in lines)
        ]
        text = normalise(_text([*(line for zone in named for line in zone.written()), *lines]), TAGS[Kind.AGENDA])
        if text is None:
            raise _refused(what, f"the event {uid[:80]} is not valid iCalendar", "correct the file")
        items[f"{_digest(uid)}.ics"] = text
    return items


def _text(lines: Iterable[str]) -> str:
    every = ["BEGIN:VCALENDAR", "VERSION:2.0", MAKER, *lines, "END:VCALENDAR"]
    return "".join(f"{piece}\r\n" for line in every for piece in _folded(line))


def _folded(line: str) -> Iterator[str]:
    """The pieces of a line; a character is never cut."""
    piece, octets, start = "", 0, ""
    for sign in line:
        width = len(sign.encode())
        if octets + width > _OCTETS:
            yield start + piece
            piece, octets, start = "", 0, " "
        piece, octets = piece + sign, octets + width
    yield start + piece


def _name(line: str) -> str:
    match = _PROPERTY.match(line)
    return match[1].upper() if match else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text)


def _refused(what: str, why: str, hint: str) -> InputError:
    return InputError(f"{what}: {why}", hint)
