"""SOGo's way to the mail store: calendars in messages name no time zone that they do not describe.

SOGo reads an invitation from its message, and takes the times of a zone without a description for UTC
(malleposte.groupware.zones). This relay opens a connection over TLS for each that SOGo opens, hands everything on as it
is, and completes one thing: a part of a message that is a calendar. The message in the store stays as it came.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import quopri
import re
from collections.abc import Sequence

from malleposte.groupware import zones
from malleposte.runtime import kit, relay

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
"""The end of a line that goes on with so many bytes (RFC 9051, 4.3)."""
PART = re.compile(rb"^\* \d+ FETCH .*BODY\[\d+(?:[.]\d+)*\] \{\d+\}\r\n$", re.IGNORECASE | re.DOTALL)
"""The same before the whole content of one part of a message (6.4.5)."""
STATUS = re.compile(rb"^(?:\*|[^ ]+) (?:OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
MOST = 1 << 20
"""Bytes of a part that may be an invitation."""
PLAIN, BASE64 = b"BEGIN:VCALENDAR", base64.b64encode(b"BEGIN:VCALENDAR")
AWAY = b"* BYE The mail server does not answer\r\n"


def completed(part: bytes) -> bytes:
    """Return the content of a part, in its encoding, with the descriptions that its calendar lacks."""
    start = part[:64].lstrip()
    if start.startswith(BASE64):
        try:
            calendar = base64.b64decode(part)
        except binascii.Error:
            return part
        better = zones.completed(calendar)
        return part if better == calendar else base64.encodebytes(better).replace(b"\n", b"\r\n")
    if not start.upper().startswith(PLAIN):
        return part
    if b"TZID=3D" not in part.upper():
        return zones.completed(part)
    calendar = quopri.decodestring(part)
    better = zones.completed(calendar)
    return part if better == calendar else quopri.encodestring(better.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


async def answered(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    """The server's answers, with calendars completed."""
    said = b""
    while True:
        try:
            line = await source.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            line = await source.readexactly(error.consumed)
        except asyncio.IncompleteReadError as error:
            to.write(error.partial)
            await to.drain()
            return
        said = (said + line)[-relay.PIECE :]
        literal = None if STATUS.match(said) else LITERAL.search(line)
        size = int(literal[1]) if literal else 0
        if literal and 0 < size <= MOST and PART.match(said):
            try:
                better = completed(await source.readexactly(size))
            except asyncio.IncompleteReadError as error:
                to.write(line + error.partial)
                await to.drain()
                return
            to.write(line[: literal.start()] + b"{%d}\r\n" % len(better) + better)
            size = 0
        else:
            to.write(line)
        await to.drain()
        while size:
            piece = await source.read(min(size, relay.PIECE))
            if not piece:
                return
            to.write(piece)
            await to.drain()
            size -= len(piece)
        if not literal and line.endswith(b"\r\n"):
            said = b""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="sogo-imap", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("host", help="the IMAP server, as its certificate has it")
    parser.add_argument("port", type=int, help="its port, TLS from the beginning")
    options = parser.parse_args(words)
    kit.log_to_journal()
    return kit.run(relay.serve(options.host, options.port, AWAY, answered=answered))
