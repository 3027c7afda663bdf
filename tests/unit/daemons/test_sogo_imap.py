"""SOGo's way to the mail store: calendars in messages are completed, and every other answer stays, byte by byte."""

import asyncio
import base64
import quopri
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.daemons import sogo_imap
from malleposte.groupware import zones
from malleposte.runtime import relay

from tests.support.streams import Writer

BLOCK = b"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nEND:VTIMEZONE\r\n"
HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
EVENT = "BEGIN:VEVENT\r\nSUMMARY:Conseil d’été\r\nDTSTART;TZID=Europe/Paris:20270115T140000\r\nEND:VEVENT\r\n"
REST = (EVENT + "END:VCALENDAR\r\n").encode()


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOGo's files are on hosts alone."""
    monkeypatch.setattr(zones, "description", lambda name, _folder: BLOCK if name == "Europe/Paris" else b"")


def handed(*answers: bytes) -> bytes:
    """The bytes that SOGo gets of the server's answers."""
    client: Any = Writer()

    async def run() -> None:
        reader = asyncio.StreamReader(limit=relay.PIECE)
        for one in answers:
            reader.feed_data(one)
        reader.feed_eof()
        await sogo_imap.answered(reader, client)

    asyncio.run(run())
    found: bytes = client.data
    return found


def part(content: bytes, item: bytes = b"BODY[2]") -> bytes:
    """An answer that brings a part of a message, after another one."""
    return b"* 3 FETCH (UID 7 BODY[1] {7}\r\nBonjour %s {%d}\r\n%s)\r\na5 OK Fetch completed.\r\n" % (
        item,
        len(content),
        content,
    )


ENCODINGS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "8bit": (lambda calendar: calendar, lambda content: content),
    "base64": (lambda calendar: base64.encodebytes(calendar).replace(b"\n", b"\r\n"), base64.b64decode),
    "quoted-printable": (
        lambda calendar: quopri.encodestring(calendar.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n"),
        quopri.decodestring,
    ),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_invitation_comes_with_its_zones(encoding: str) -> None:
    coded, decoded = ENCODINGS[encoding]
    found = handed(part(coded(HEAD + REST)))
    head, _brace, rest = found.partition(b"BODY[2] {")
    size, _end, rest = rest.partition(b"}\r\n")
    assert head == b"* 3 FETCH (UID 7 BODY[1] {7}\r\nBonjour "
    assert decoded(rest[: int(size)]) == HEAD + BLOCK + REST
    assert rest[int(size) :] == b")\r\na5 OK Fetch completed.\r\n"


CALENDAR = HEAD + REST


@pytest.mark.parametrize(
    "answer",
    [
        part(HEAD + BLOCK + REST),
        part(b"Bonjour, " + CALENDAR),
        part(CALENDAR, b"BODY[]"),
        part(CALENDAR, b"BODY[HEADER]"),
        part(CALENDAR, b"BODY[2.MIME]"),
        part(CALENDAR, b"BODY[2]<0>"),
        part(CALENDAR.replace(b"Europe/Paris", b"Bureau")),
        part(sogo_imap.BASE64 + b"%%%"),
        part(b"x" * (sogo_imap.MOST + 1)),
        part(HEAD + b"x" * 200_000 + REST.replace(b"TZID", b"ZONE")),
        b"* 1 FETCH (ENVELOPE (NIL " + b'"x" ' * 40_000 + b"{3}\r\nabc))\r\n" + part(b"abc"),
        b"* OK BODY[2] {5000}\r\na1 NO FETCH BODY[2] {5000}\r\n" + part(b"abc"),
        b"* 3 FETCH (BODY[2] {0}\r\n)\r\n+ idling\r\n",
        b"* 3 FETCH (BODY[2] {50}\r\nthe server goes",
        b"* no end",
        b"",
    ],
    ids=range(16),
)
def test_everything_else_stays(answer: bytes) -> None:
    assert handed(answer) == answer
