"""Answer when a colleague of the light class is busy: to SOGo's page, and to devices (role radicale).

Usage: radicale-busy ROOT ZONE

ROOT is Radicale's collection-root, ZONE the time zone of its answers. A connection to its socket starts it, and it
ends when nobody has asked for a minute. Each connection is one request, answered in a process of its own
(`runtime.forks`):

``GET /UID?sday=YYYYMMDD&eday=YYYYMMDD``                    200 has SOGo's JSON, by day, hour and quarter
``GET /UID?from=YYYYMMDDTHHMMSSZ&until=YYYYMMDDTHHMMSSZ``   200 has a JSON list of pairs: beginning and end, in UTC

404 says that no event of that agent is kept here. What cannot be read is in the journal.

``POST /`` asks for a group, for root, with a JSON document: `from`, `until`, and `people`, each with `uid`, `mails`
(the agent's addresses) and `texts`, the events that another store has; null: those that are kept here. The answer has
the pairs of each agent by uid, and null where nothing is known. ``POST /own`` asks the same for one agent alone, who is
shown the own events: beginning, end, title, place, links. ``POST /news`` has `horizon` (seconds since 1970), `mails`
and `texts`: the answer has for each text what a tool is told of it, or null (`groupware.announced`).
"""

from __future__ import annotations

import datetime
import functools
import io
import json
import re
import sys
import time
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO
from urllib.parse import parse_qsl

import msgspec

from malleposte.core.errors import InputError
from malleposte.groupware.announced import Announced, announced
from malleposte.groupware.busy import UTC, Busy, Span, by_quarters, in_utc, occurrences, whole_day
from malleposte.groupware.events import PATIENCE, bounded, text_of
from malleposte.platform.identity import is_uid
from malleposte.platform.times import DATE_TIME
from malleposte.runtime import forks, kit

WORDS = 2
LARGEST = 8_192
"""Octets of a line."""
LINES = 100
LONGEST = 92
"""Days that may be asked for."""
WITHIN = ("from", "until")
LARGEST_GROUP, MOST_PEOPLE = 16 << 20, 4
"""Octets and people of a question for a group."""
SECONDS = 2.0
"""Seconds for the events of one agent of a group: whoever keeps more holds up nobody else."""
AT_ONCE = 8
"""Questions at a time; others wait in the socket."""
LONGEST_ANSWER = 20.0
"""Seconds for one, waits for its client included."""
FIRST = {
    "from": "20300304T000000Z", "until": "20300305T000000Z",
    "people": [{"uid": "nobody", "texts": [(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Malleposte//busy//FR\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTART:20300304T080000Z\r\nDTEND:20300304T090000Z\r\nRRULE:FREQ=DAILY;COUNT=2\r\nSUMMARY:1\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )]}],
}  # fmt: skip
"""A question that is answered before all others, so that every copy has loaded what its own takes."""
IDLE = 60.0
"""Seconds without a question after which the program ends."""

MOST_SHOWN, MOST_FOUND, MOST_LINKS = 30, 500, 4
"""Events of an answer, of an agent in these days, and links of an event."""
LONGEST_WORD, LONGEST_TEXT = 200, 8192
_LINK = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9./_~?=&%+#-]{0,299}")
_FIRST = re.compile(r"GET /([^?\s]+)\?(\S*) HTTP/1\.[01]")


class RequestError(Exception):
    """Something else is asked for. The text says what."""


@dataclass(frozen=True)
class Question:
    """A question for the times of `uid`, both days included; `within`: the moments, where they are asked in UTC."""

    uid: str
    first: datetime.date
    last: datetime.date
    within: Span | None = None


def asked(line: str, zone: datetime.tzinfo) -> Question:
    """The question of a request's first line. Raises RequestError."""
    match = _FIRST.fullmatch(line.strip())
    if not match or not is_uid(match[1]):
        raise RequestError("not a request for an agent's times")
    fields = dict(parse_qsl(match[2]))
    within: Span | None = None
    try:
        if "from" in fields:
            begin, end = (datetime.datetime.strptime(fields[name], DATE_TIME).replace(tzinfo=UTC) for name in WITHIN)
            within = begin, end
            first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        else:
            first, last = (datetime.datetime.strptime(fields[name], "%Y%m%d").date() for name in ("sday", "eday"))  # noqa: DTZ007
    except (KeyError, ValueError, OverflowError) as error:
        raise RequestError("sday and eday are days, YYYYMMDD; from and until are moments, YYYYMMDDTHHMMSSZ") from error
    if not 0 <= (last - first).days <= LONGEST:
        raise RequestError(f"the end is up to {LONGEST} days after the beginning")
    return Question(match[1], first, last, within)


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent of a group."""

    uid: str
    mails: tuple[str, ...] = ()
    texts: list[str] | None = None


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from"}):
    """A question for a group, between two moments."""

    begin: str
    until: str
    people: Annotated[tuple[Person, ...], msgspec.Meta(max_length=MOST_PEOPLE)]


def of_group(raw: bytes, root: Path, zone: datetime.tzinfo) -> dict[str, list[tuple[str, str]] | None]:
    """The times of each agent of a group. Raises RequestError."""
    group = _group(raw)
    times = dict[str, list[tuple[str, str]] | None]()
    for one in group.people:
        question = asked(f"GET /{one.uid}?from={group.begin}&until={group.until} HTTP/1.0", zone)
        assert question.within
        agenda = Busy(root, zone, question.first, question.last, frozenset(map(str.lower, one.mails)), SECONDS)
        spans = agenda.of(one.uid) if one.texts is None else agenda.in_texts(one.texts)
        _log(one.uid, agenda)
        readable = not agenda.over and (agenda.has_events or one.texts is not None)
        times[one.uid] = in_utc(spans, *question.within) if readable else None
    return times


class Appointment(msgspec.Struct, frozen=True):
    """An event of the agent who asks: UTC, or days (`20300304`) for whole ones, the end included."""

    begin: str
    end: str
    title: str
    place: str
    links: tuple[str, ...]


def of_owner(raw: bytes, root: Path, zone: datetime.tzinfo) -> list[Appointment] | None:
    """The events of one agent, in order; None where they are more than can be read. Raises RequestError."""
    group = _group(raw)
    if len(group.people) != 1:
        raise RequestError("not a question of one agent")
    (one,) = group.people
    question = asked(f"GET /{one.uid}?from={group.begin}&until={group.until} HTTP/1.0", zone)
    assert question.within
    mails = frozenset(map(str.lower, one.mails))
    agenda = Days(root, zone, question.first, question.last, mails, SECONDS, within=question.within)
    agenda.of(one.uid) if one.texts is None else agenda.in_texts(one.texts)
    _log(one.uid, agenda)
    return None if agenda.over else sorted(agenda.appointments, key=lambda each: (each.begin, each.title))[:MOST_SHOWN]


@dataclass
class Days(Busy):
    """The events of an agent between two moments, with what they say."""

    within: Span = field(kw_only=True)
    appointments: list[Appointment] = field(default_factory=list)

    def times(self, text: str) -> list[Span]:
        """See Busy."""
        for event, start, end in occurrences(text, *self.within, self.zone, self.mails):
            if whole_day(event):
                last = end - datetime.timedelta(days=1)
                begins, ends = (f"{one.astimezone(self.zone):%Y%m%d}" for one in (start, max(start, last)))
            else:
                begins, ends = (f"{one.astimezone(UTC):{DATE_TIME}}" for one in (start, end))
            words = [text_of(event, name) for name in ("location", "conference", "url", "description")]
            links = tuple(dict.fromkeys(link for one in words for link in _LINK.findall(one[:LONGEST_TEXT])))
            title, place = (" ".join(one.split())[:LONGEST_WORD] for one in (text_of(event, "summary"), words[0]))
            self.appointments.append(Appointment(begins, ends, title, place, links[:MOST_LINKS]))
            if len(self.appointments) > MOST_FOUND:
                self.over = True
                break
        return []


class News(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question for what is new in an agenda."""

    horizon: float
    mails: tuple[str, ...]
    texts: list[str]


def of_news(raw: bytes, zone: datetime.tzinfo) -> list[Announced | None]:
    """The words of each event that a tool is told; of what is not read in time, none. Raises RequestError."""
    try:
        news = msgspec.json.decode(raw, type=News)
        horizon = datetime.datetime.fromtimestamp(news.horizon, UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise RequestError(f"not a question for what is new ({error})") from error
    now, until = datetime.datetime.now(zone), time.monotonic() + SECONDS
    mails = frozenset(map(str.lower, news.mails))
    answers = list[Announced | None]()
    for text in news.texts:
        answer = None
        try:
            if time.monotonic() > until:
                raise TimeoutError(f"the events before it took more than {SECONDS} s")
            with bounded(PATIENCE):
                answer = announced(text, now, horizon, mails)
        except Exception as error:  # noqa: BLE001  # vobject and dateutil raise whatever their parsers meet
            print(f"<5>a new event is not told: {type(error).__name__}: {error}", file=sys.stderr)
        answers.append(answer)
    return answers


def _group(raw: bytes) -> Group:
    try:
        return msgspec.json.decode(raw, type=Group)
    except msgspec.MsgspecError as error:
        raise RequestError(f"not a question for a group ({error})") from error


def _log(uid: str, agenda: Busy) -> None:
    for item, reason in agenda.unread:
        print(f"<5>{uid}/{item}: it takes no time, since it cannot be read: {reason}", file=sys.stderr)


def respond(stream: BinaryIO, root: Path, zone: datetime.tzinfo) -> tuple[str, bytes]:
    """Status and body."""
    line = stream.readline(LARGEST).decode("latin-1")
    size = 0
    for _turn in range(LINES):  # nginx waits until its request is read
        name, _colon, value = stream.readline(LARGEST).decode("latin-1").partition(":")
        if not name.strip():
            break
        if name.lower() == "content-length" and value.strip().isdecimal():
            size = int(value)
    try:
        if line.startswith("POST / "):
            return "200 OK", json.dumps(of_group(stream.read(min(size, LARGEST_GROUP)), root, zone)).encode()
        if line.startswith("POST /own "):
            own = of_owner(stream.read(min(size, LARGEST_GROUP)), root, zone)
            return "200 OK", msgspec.json.encode(own)
        if line.startswith("POST /news "):
            news = of_news(stream.read(min(size, LARGEST_GROUP)), zone)
            return "200 OK", msgspec.json.encode(news)
        question = asked(line, zone)
    except RequestError as error:
        return "400 Bad Request", f"{error}\n".encode()
    agenda = Busy(root, zone, question.first, question.last)
    spans = agenda.of(question.uid)
    _log(question.uid, agenda)
    if not agenda.has_events:
        return "404 Not Found", b""
    if question.within:
        return "200 OK", json.dumps(in_utc(spans, *question.within)).encode()
    return "200 OK", json.dumps(by_quarters(spans, question.first, question.last, zone)).encode()


def answered(stream: BinaryIO, root: Path, zone: datetime.tzinfo) -> bytes:
    """The whole answer to the request on a connection."""
    status, body = respond(stream, root, zone)
    kind = "application/json" if status.startswith("200") else "text/plain"
    head = (
        f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode("ascii") + body


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 2 bad input."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: radicale-busy ROOT ZONE", file=sys.stderr)
        return 2
    try:
        listener = kit.handed()[0]
    except InputError as error:
        kit.say(f"<3>radicale-busy: {error}")
        return error.exit_code
    answer = functools.partial(answered, root=Path(words[0]), zone=zoneinfo.ZoneInfo(words[1]))
    first = json.dumps(FIRST).encode()
    answer(io.BytesIO(b"POST /own HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(first) + first))
    forks.serve(listener, answer, most=AT_ONCE, seconds=LONGEST_ANSWER, idle=IDLE)
    return 0
