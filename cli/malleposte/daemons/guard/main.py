"""The daemon: answers the mail server on the socket that systemd hands over.

While it restarts, connections wait in that socket; what was cut off and what finds no socket is deferred by the mail
server (`default_action=tempfail`), so that nothing passes unseen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from malleposte import kit
from malleposte.daemons.guard import milter
from malleposte.daemons.guard.scanner import Bounds, Excess, Scanner

LOG = logging.getLogger("guard")
BETWEEN = 7200.0
"""Seconds for which a mail server may keep a connection between two messages: its client may be slow for as long."""
WITHIN = 60.0
"""Seconds for the next packet of a message. The mail server has the whole of it before it sends any."""
REFUSED = "554 5.6.0 Message refuse, structure demesuree / Refused, excessive structure: "


@dataclass(frozen=True)
class Config:
    """The bounds of a message, and the most connections at a time; further ones wait."""

    bounds: Bounds
    connections: int

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file. Raises OSError, or ValueError."""
        given = json.loads(path.read_text("utf-8"))
        names = [field.name for field in fields(Bounds)]
        for name in [*names, "connections"]:
            number = given.get(name)
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise ValueError(f"{name} is a whole number above 0, not {number!r}")
        return cls(Bounds(**{name: given[name] for name in names}), given["connections"])


class Session:
    """One connection of the mail server, with one message after the other."""

    def __init__(self, bounds: Bounds) -> None:
        """Nothing is negotiated yet."""
        self.bounds = bounds
        self.steps = 0
        self.scanner = Scanner(bounds)
        self.queue_id = ""
        self._in_body = False

    @property
    def patience(self) -> float:
        """Seconds for the next packet."""
        return WITHIN if self.scanner.octets else BETWEEN

    def answer(self, command: bytes, data: bytes) -> bytes:
        """The answer to a command, empty where none is due. Raises ProtocolError."""
        if command == milter.NEGOTIATE:
            reply, self.steps = milter.negotiated(data)
            return reply
        if command in (milter.ABORT, milter.ANEW):
            self._new()
            return b""
        if command == milter.MACROS:
            self._name(data)
            return b""
        if command == milter.HEADER and self.steps & milter.NO_ANSWER_TO_HEADERS:
            # Too many are refused by the next answer.
            with contextlib.suppress(Excess):
                self._read(command, data)
            return b""
        try:
            self._read(command, data)
        except Excess as excess:
            LOG.info("%s: refused: %s", self.queue_id or "-", excess)
            self._new()
            return milter.refusal(f"{REFUSED}{excess}")
        if command == milter.END:
            self._new()
        return milter.packet(milter.CONTINUE)

    def _read(self, command: bytes, data: bytes) -> None:
        """Have a part of the message looked at. Raises Excess, and ProtocolError."""
        if command == milter.HEADER:
            self.scanner.field(*milter.field(data))
            return
        if command not in (milter.BODY, milter.END):
            return
        if not self._in_body:
            self._in_body = True
            self.scanner.end_of_header()
        if data:
            self.scanner.body(data)
        if command == milter.END:
            self.scanner.end()

    def _name(self, data: bytes) -> None:
        """Remember the queue id among the macros."""
        words = data[1:].split(b"\0")
        pairs = dict(zip(words[::2], words[1::2], strict=False))
        self.queue_id = pairs.get(b"i", self.queue_id.encode()).decode("ascii", "replace")

    def _new(self) -> None:
        """The next message."""
        self.scanner = Scanner(self.bounds)
        self._in_body = False


class Server:
    """Takes so many connections at a time; the rest wait in the socket."""

    def __init__(self, config: Config) -> None:
        """No connection is there yet."""
        self.config = config
        self.places = asyncio.Semaphore(config.connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the mail server ends it."""
        async with self.places:
            session = Session(self.config.bounds)
            try:
                while True:
                    command, data = await asyncio.wait_for(milter.read(reader), session.patience)
                    if command == milter.QUIT:
                        break
                    if reply := session.answer(command, data):
                        writer.write(reply)
                        await asyncio.wait_for(writer.drain(), WITHIN)
                    # A message of many packets leaves the others their turn.
                    await asyncio.sleep(0)
            except (asyncio.IncompleteReadError, OSError, TimeoutError):
                pass
            except milter.ProtocolError as error:
                LOG.error("a connection is closed: %s", error)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()


def serve(config: Config) -> int:
    """Answer until the process is ended; the exit code."""

    async def run() -> None:
        (handed,) = kit.handed()
        async with await asyncio.start_unix_server(Server(config).serve, sock=handed, limit=2 * milter.PIECE):
            await kit.alive()

    return kit.run(run())


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "guard", __doc__ or "", Config.read, serve)
