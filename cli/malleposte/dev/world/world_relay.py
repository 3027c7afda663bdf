"""A mail relay of another house for the lab's Internet: it keeps the mail of who proves a password (role world_relay).

Usage: world-relay PORT. Submission over TLS (RFC 8314) with AUTH PLAIN; each message is a line of JSON in `messages`:
`{"at", "sender", "recipients", "text"}`. A recipient whose local part is `refuse` is answered by 550: so a test has a
relay that fails, beside those that need one that works. Nothing of a message is logged.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import re
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from malleposte.runtime.streams import to_the_end

USERNAME = "academie"
REFUSED = "refuse@"
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)
_MOST = 1_000_000
_PATIENCE = 30.0


@dataclass
class Session:
    """One client: what it has said so far."""

    password: str = field(repr=False)
    proved: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    def answer(self, line: str) -> str:
        """The answer to a command; DATA and QUIT are the server's."""
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO" | "HELO":
                return "250-relais.test\r\n250-AUTH PLAIN\r\n250 8BITMIME"
            case "AUTH":
                self.proved = self._proves(rest)
                return "235 2.7.0 proved" if self.proved else "535 5.7.8 refused"
            case "RSET" | "NOOP":
                self.sender, self.recipients = None, []
                return "250 2.0.0 done"
            case "MAIL" | "RCPT" if not self.proved:
                return "530 5.7.0 prove who you are"
            case "MAIL" if path := _PATH.match(rest):
                self.sender, self.recipients = path[1], []
                return "250 2.1.0 taken"
            case "RCPT" if (path := _PATH.match(rest)) and self.sender is not None:
                if path[1].startswith(REFUSED):
                    return "550 5.1.1 refused"
                self.recipients.append(path[1])
                return "250 2.1.5 taken"
        return "500 5.5.1 not understood"

    def _proves(self, words: str) -> bool:
        kind, _, encoded = words.partition(" ")
        try:
            _as, name, password = base64.b64decode(encoded, validate=True).split(b"\0")
        except ValueError:
            return False
        return (
            kind.upper() == "PLAIN" and name.decode("utf-8", "replace") == USERNAME
            and hmac.compare_digest(password, self.password.encode())
        )  # fmt: skip


class Relay:
    """Serves clients and keeps what they send."""

    def __init__(self, password: str, store: Path) -> None:
        self.password, self.store = password, store

    def keep(self, session: Session, text: bytes) -> None:
        """Add one message, in one write."""
        message = {
            "at": datetime.now(UTC).isoformat(), "sender": session.sender, "recipients": session.recipients,
            "text": text.decode("utf-8", "replace"),
        }  # fmt: skip
        descriptor = os.open(self.store, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, json.dumps(message, ensure_ascii=False).encode() + b"\n")
        finally:
            os.close(descriptor)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, to its end."""
        session = Session(self.password)
        try:
            writer.write(b"220 relais.test ESMTP\r\n")
            while line := await asyncio.wait_for(reader.readline(), _PATIENCE):
                command = line.decode("utf-8", "replace").strip()
                if command.upper() == "QUIT":
                    writer.write(b"221 2.0.0 goodbye\r\n")
                    break
                if command.upper() == "DATA" and session.recipients:
                    writer.write(b"354 go on\r\n")
                    text = await asyncio.wait_for(reader.readuntil(b"\r\n.\r\n"), _PATIENCE)
                    self.keep(session, text[:-5].replace(b"\r\n..", b"\r\n."))
                    writer.write(b"250 2.0.0 kept\r\n")
                else:
                    writer.write(session.answer(command).encode() + b"\r\n")
                await writer.drain()
            await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


async def run(port: int, relay: Relay, context: ssl.SSLContext | None, host: str = "") -> None:
    """Serve until cancelled; `context` is None in unit tests alone."""
    server = await asyncio.start_server(to_the_end(relay.serve), host or None, port, ssl=context, limit=_MOST)
    async with server:
        await server.serve_forever()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not words[0].isdecimal():
        print("usage: world-relay PORT", file=sys.stderr)
        return 2
    handed, store = Path(os.environ["CREDENTIALS_DIRECTORY"]), Path(os.environ["STATE_DIRECTORY"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(handed / "chain.pem", handed / "key.pem")
    password = (handed / "password").read_text("utf-8").strip()
    asyncio.run(run(int(words[0]), Relay(password, store / "messages"), context))
    return 0
