"""Put the busy times of colleagues of the light class into SOGo's answers to devices.

A device posts VFREEBUSY (RFC 5546, 3.3.2) to its outbox (RFC 6638, 5.1), which is SOGo's agenda itself, or fetches
`freebusy.ifb`. SOGo knows the times of its own class, and shows other colleagues free all day. Their times come from
Radicale's store; titles are not in it. For agents who have nothing there, SOGo's answer stays.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from malleposte.daemons.sogo_front.turns import unfolded
from malleposte.platform.identity import is_uid
from malleposte.platform.times import DATE_TIME

LOG = logging.getLogger("sogo-front")
CAL, DAV = "{urn:ietf:params:xml:ns:caldav}", "{DAV:}"
for _prefix, _space in (("C", CAL), ("D", DAV)):
    ElementTree.register_namespace(_prefix, _space[1:-1])
DONE = "2.0;Success"
SOURCE = "annuaire"
"""The academy's address book, as the role names it: an agent's own contacts name nobody."""
AROUND = datetime.timedelta(days=7)
"""The reach of SOGo's `freebusy.ifb`: a week before and after."""
PATIENCE = 25.0
AT_ONCE = 4
"""Questions to the store: each is a process."""
FILE = re.compile(r"/SOGo/dav/([^/?]+)/freebusy\.ifb/?(\?.*)?")
_FIELD = re.compile(r"^(DTSTART|DTEND|UID|ORGANIZER)\b([^:\n]*):(.*?)\r?$", re.MULTILINE | re.IGNORECASE)
_BUSY = re.compile(r"^FREEBUSY[;:]", re.MULTILINE)
Spans = Sequence[tuple[str, str]]
"""Beginnings and ends, in UTC, as iCalendar has them."""


@dataclass(frozen=True)
class Question:
    """The content of a VFREEBUSY: the lines that its answer repeats, by name; the first and the last moment."""

    lines: Mapping[str, str]
    begin: str
    end: str


def asked(body: bytes) -> Question | None:
    """The question of a device; None where this is none, or its times are not in UTC."""
    text = unfolded(body)
    if "BEGIN:VFREEBUSY" not in text.upper():
        return None
    fields = {name.upper(): (f"{name.upper()}{more}:{value}", value) for name, more, value in _FIELD.findall(text)}
    try:
        moments = [fields[name][1] for name in ("DTSTART", "DTEND")]
        for one in moments:
            datetime.datetime.strptime(one, DATE_TIME).replace(tzinfo=datetime.UTC)
    except (KeyError, ValueError):
        return None
    return Question({name: line for name, (line, _value) in fields.items()}, *moments)


def reply(question: Question, attendee: str, busy: Spans, now: datetime.datetime) -> str:
    """The answer about one colleague (RFC 5546, 3.3.3); without `attendee`, a file of busy times (3.3.1)."""
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Malleposte//busy//FR",
        "VERSION:2.0",
        f"METHOD:{'REPLY' if attendee else 'PUBLISH'}",
        "BEGIN:VFREEBUSY",
        *(question.lines[name] for name in ("UID", "ORGANIZER") if name in question.lines),
        *([f"ATTENDEE:{attendee}"] if attendee else []),
        f"DTSTAMP:{now:{DATE_TIME}}",
        f"DTSTART:{question.begin}",
        f"DTEND:{question.end}",
        *(f"FREEBUSY;FBTYPE=BUSY:{begin}/{end}" for begin, end in busy),
        "END:VFREEBUSY",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)


def file_of(now: datetime.datetime) -> Question:
    """The question that a file of busy times answers."""
    return Question({}, f"{now - AROUND:{DATE_TIME}}", f"{now + AROUND:{DATE_TIME}}")


def free(body: bytes) -> list[str]:
    """The addresses of whom SOGo tells no busy time. Raises ElementTree.ParseError."""
    return list(_free(ElementTree.fromstring(body)))  # noqa: S314 (SOGo's own)


def _free(tree: ElementTree.Element) -> dict[str, ElementTree.Element]:
    by_address = {}
    for part in tree.iter(f"{CAL}response"):
        recipient = part.find(f"{CAL}recipient")
        address = "" if recipient is None else "".join(recipient.itertext()).strip()
        if address.lower().startswith("mailto:") and not _BUSY.search(part.findtext(f"{CAL}calendar-data") or ""):
            by_address[address] = part
    return by_address


def merged(body: bytes, question: Question, busy: Mapping[str, Spans], now: datetime.datetime) -> bytes:
    """SOGo's answer with the times of those of whom it tells none. `busy`: by address, as SOGo wrote it."""
    tree = ElementTree.fromstring(body)  # noqa: S314
    for address, part in _free(tree).items():
        if address in busy:
            for old in [*part.findall(f"{CAL}request-status"), *part.findall(f"{CAL}calendar-data")]:
                part.remove(old)
            ElementTree.SubElement(part, f"{CAL}request-status").text = DONE
            ElementTree.SubElement(part, f"{CAL}calendar-data").text = reply(question, address, busy[address], now)
    return bytes(ElementTree.tostring(tree, "utf-8", xml_declaration=True))


def uid_in(contacts: bytes, address: str) -> str:
    """The agent who has an address, by what SOGo found in the academy's address book; empty without."""
    try:
        for one in json.loads(contacts)["contacts"]:
            mails = [mail["value"].lower() for mail in one["emails"]]
            if one.get("sourceID") == SOURCE and address.lower() in mails and is_uid(one["c_uid"]):
                return str(one["c_uid"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        LOG.error("SOGo's address book: %s: %s", type(error).__name__, error)
    return ""


class Store:
    """Radicale's store, as far as it tells when somebody is busy (the program radicale-busy)."""

    def __init__(self, socket: str) -> None:
        """Nothing is opened yet."""
        self.socket, self.room = socket, asyncio.Semaphore(AT_ONCE)

    async def times(self, uid: str, question: Question) -> Spans | None:
        """The busy times of an agent; None where nothing is known."""
        if not is_uid(uid):
            return None
        try:
            async with self.room, asyncio.timeout(PATIENCE):
                return await self._ask(f"/{uid}?from={question.begin}&until={question.end}")
        except (OSError, EOFError, ValueError, TypeError, TimeoutError) as error:
            LOG.error("%s: %s: %s", self.socket, type(error).__name__, error)
            return None

    async def _ask(self, target: str) -> Spans | None:
        reader, writer = await asyncio.open_unix_connection(self.socket)
        try:
            writer.write(f"GET {target} HTTP/1.0\r\n\r\n".encode("ascii"))
            await writer.drain()
            head, _end, body = (await reader.read()).partition(b"\r\n\r\n")
            return [(begin, end) for begin, end in json.loads(body)] if head.split()[1:2] == [b"200"] else None
        finally:
            writer.close()
