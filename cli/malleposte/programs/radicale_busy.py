"""Answer SOGo's page when a colleague of the light class is busy (role radicale).

Usage: radicale-busy ROOT ZONE

ROOT is Radicale's collection-root, ZONE the time zone of its answers. systemd starts it for each connection to its
socket, on which one request is read: ``GET /UID?sday=YYYYMMDD&eday=YYYYMMDD``. 200 has SOGo's JSON, by day, hour and
quarter; 404 says that no event of that agent is kept here. What cannot be read is in the journal.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl

from malleposte.calendars.busy import Busy, by_quarters
from malleposte.platform.identity import is_uid

WORDS = 2
LARGEST = 8_192
"""Octets of a line."""
LINES = 100
LONGEST = 92
"""Days that may be asked for."""

_FIRST = re.compile(r"GET /([^?\s]+)\?(\S*) HTTP/1\.[01]")


class RequestError(Exception):
    """Something else is asked for. The text says what."""


def asked(line: str) -> tuple[str, datetime.date, datetime.date]:
    """The uid, the first day and the last one of a question. Raises RequestError."""
    found = _FIRST.fullmatch(line.strip())
    if not found or not is_uid(found[1]):
        raise RequestError("not a request for an agent's times")
    fields = dict(parse_qsl(found[2]))
    try:
        first, last = (datetime.datetime.strptime(fields[name], "%Y%m%d").date() for name in ("sday", "eday"))  # noqa: DTZ007
    except (KeyError, ValueError) as error:
        raise RequestError("sday and eday are days, YYYYMMDD") from error
    if not 0 <= (last - first).days <= LONGEST:
        raise RequestError(f"eday is up to {LONGEST} days after sday")
    return found[1], first, last


def respond(stream: BinaryIO, root: Path, zone: datetime.tzinfo) -> tuple[str, bytes]:
    """Status and body."""
    line = stream.readline(LARGEST).decode("latin-1")
    for _turn in range(LINES):  # nginx waits until its request is read
        if not stream.readline(LARGEST).strip():
            break
    try:
        uid, first, last = asked(line)
    except RequestError as error:
        return "400 Bad Request", f"{error}\n".encode()
    agenda = Busy(root, zone, first, last)
    found = agenda.of(uid)
    for item, reason in agenda.unread:
        print(f"<5>{uid}/{item}: it takes no time, since it cannot be read: {reason}", file=sys.stderr)
    if not agenda.kept:
        return "404 Not Found", b""
    return "200 OK", json.dumps(by_quarters(found, first, last, zone)).encode()


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 2 bad input."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: radicale-busy ROOT ZONE", file=sys.stderr)
        return 2
    status, body = respond(sys.stdin.buffer, Path(words[0]), zoneinfo.ZoneInfo(words[1]))
    kind = "application/json" if status.startswith("200") else "text/plain"
    head = (
        f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n\r\n"
    )
    sys.stdout.buffer.write(head.encode("ascii") + body)
    sys.stdout.buffer.flush()
    return 0
