"""SOGo's way to submission: which line changes, and that nothing else does."""

import asyncio
import base64
from typing import Any

import pytest
from malleposte.daemons import sogo_submission

from tests.support.streams import Writer

TOKEN = b"eyJhbGci.eyJzdWIi.c2ln"


def plain(*parts: bytes) -> bytes:
    return b"AUTH PLAIN " + base64.b64encode(b"\0".join(parts)) + b"\r\n"


def test_a_token_is_sent_as_one() -> None:
    line = sogo_submission.turned(plain(b"", b"mdupond", TOKEN))
    mechanism, told = line.split()[1:]
    assert mechanism == b"XOAUTH2" and line.endswith(b"\r\n")
    assert base64.b64decode(told) == b"user=mdupond\1auth=Bearer " + TOKEN + b"\1\1"


@pytest.mark.parametrize(
    "line",
    [
        plain(b"", b"mdupond", b"abcdefgh-abcd-abcd-abcd-abcd"),
        plain(b"", b"mdupond", b"eyJ un mot de passe"),
        plain(b"", b"mdupond", b""),
        plain(b"", b"mdu\1pond", TOKEN),
        plain(b"mdupond", TOKEN),
        b"AUTH PLAIN %%%\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH LOGIN x\r\n",
        b"EHLO mail\r\n",
        b"\r\n",
    ],
)
def test_everything_else_stays(line: bytes) -> None:
    assert sogo_submission.turned(line) == line


def handed(*lines: bytes) -> tuple[bytes, bytes]:
    """The bytes that the server gets of a client's lines, and those that the client is told."""
    client: Any = Writer()
    server: Any = Writer()

    async def run() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"".join(lines))
        reader.feed_eof()
        await sogo_submission.spoken(reader, client, server)

    asyncio.run(run())
    return server.data, client.data


def test_mail_is_handed_on_as_it_is() -> None:
    mail = plain(b"", b"x", TOKEN) + b"x" * 70_000 + b"\r\n.\r\n"
    log_in = plain(b"", b"mdupond", TOKEN)
    assert handed(b"EHLO x\r\n", log_in, mail) == (b"EHLO x\r\n" + sogo_submission.turned(log_in) + mail, b"")


@pytest.mark.parametrize("password", [TOKEN, b"abcdefgh-abcd-abcd-abcd-abcd"])
def test_who_waits_to_be_asked_is_asked(password: bytes) -> None:
    """As SOGo does, which names the agent twice."""
    words = plain(b"mdupond", b"mdupond", password)
    told = handed(b"AUTH plain\r\n", words.split()[2] + b"\r\n", b"MAIL FROM:<x>\r\n")
    assert told == (sogo_submission.turned(words) + b"MAIL FROM:<x>\r\n", b"334 \r\n")
