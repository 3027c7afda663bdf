"""SOGo's way to submission: the token that it sends as a password, sent as a token.

SOGo 5.12 authenticates by PLAIN alone for an agent whom its front names, whatever it is told to do. This relay opens a
connection over TLS for each that SOGo opens, hands everything on as it is, and changes one line: where the password of
`AUTH PLAIN` is a token, the line becomes `AUTH XOAUTH2`. The server decides; whoever else connects gets no more than
the server gives everybody.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import re
from collections.abc import Sequence

from malleposte.runtime import kit, relay

TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+){2}")
"""A signed token (RFC 7515, 3.1). Passwords of devices have another form."""
AWAY = b"421 4.3.2 The mail server does not answer\r\n"


def turned(line: bytes) -> bytes:
    """A client's line as the server gets it."""
    words = line.split()
    if len(words) != 3 or [word.upper() for word in words[:2]] != [b"AUTH", b"PLAIN"]:
        return line
    try:
        parts = base64.b64decode(words[2], validate=True).split(b"\0")
    except (binascii.Error, ValueError):
        return line
    if len(parts) != 3 or not TOKEN.fullmatch(parts[2]) or b"\1" in parts[1]:
        return line
    response = b"user=" + parts[1] + b"\1auth=Bearer " + parts[2] + b"\1\1"
    return b"AUTH XOAUTH2 " + base64.b64encode(response) + b"\r\n"


async def spoken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
    """The client's lines, until it has named an agent; then its mail as it is."""
    said = b""
    while not said.upper().startswith(b"AUTH ") and (said := await reader.readline()):
        if said.upper().split() == [b"AUTH", b"PLAIN"]:
            # SOGo waits to be asked before it names the agent (RFC 4954, 4).
            writer.write(b"334 \r\n")
            await writer.drain()
            said = b"AUTH PLAIN " + (await reader.readline()).strip() + b"\r\n"
        server.write(turned(said))
        await server.drain()
    await relay.as_asked(reader, writer, server)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="sogo-submission", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("host", help="the submission server, as its certificate has it")
    parser.add_argument("port", type=int, help="its port, TLS from the beginning")
    options = parser.parse_args(words)
    kit.log_to_journal()
    return kit.run(relay.serve(options.host, options.port, AWAY, asked=spoken))
