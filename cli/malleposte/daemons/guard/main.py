"""The daemon: answers the mail server on the socket that systemd hands over.

While it restarts, connections wait in that socket; what was cut off and what finds no socket is deferred by the mail
server (`default_action=tempfail`), so that nothing passes unseen.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from malleposte.daemons.guard import milter
from malleposte.daemons.guard.scanner import Bounds, Excess, Scanner
from malleposte.runtime import kit

LOG = logging.getLogger("guard")
BETWEEN = 7200.0
"""Seconds for which a mail server may keep a connection between two messages: its client may be slow for as long."""
WITHIN = 60.0
"""Seconds for the next packet of a message. The mail server has the whole of it before it sends any."""
UNANSWERED = {milter.HEADER: milter.NO_ANSWER_TO_HEADERS, milter.BODY: milter.NO_ANSWER_TO_BODY}
"""The step (SMFIP_*) of the protocol by which a command gets no answer: the end of the message gets it."""
REFUSED = "554 5.6.0 Message refuse, structure demesuree / Refused, excessive structure: "


@dataclass(frozen=True)
class Config:
    """The bounds of a message, and the most connections at a time; further ones wait."""

    bounds: Bounds
    connections: int

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file. Raises OSError, or ValueError."""
        document = json.loads(path.read_text("utf-8"))
        names = [field.name for field in fields(Bounds)]
        for name in [*names, "connections"]:
            number = document.get(name)
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise ValueError(f"{name} is a whole number above 0, not {number!r}")
        return cls(Bounds(**{name: document[name] for name in names}), document["connections"])


class Session:
    """One connection of the mail server, with one message after the other."""

    def __init__(self, bounds: Bounds) -> None:
        """Nothing is negotiated yet."""
        self.bounds = bounds
        self.steps = 0
        self.scanner = Scanner(bounds)
        self.queue_id = ""
        self._in_body = False
        self._excess: Excess | None = None

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
        try:
            if not self._excess:
                self._read(command, data)
        except Excess as excess:
            # No more of it is looked at.
            self._excess = excess
        if self.steps & UNANSWERED.get(command, 0):
            return b""
        if self._excess:
            text = f"{REFUSED}{self._excess}"
            LOG.info("%s: refused: %s", self.queue_id or "-", self._excess)
            self._new()
            return milter.refusal(text)
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
        self._in_body, self._excess = False, None


class Connection(asyncio.BufferedProtocol):
    """One connection. What comes is answered as it comes, a piece at a time, so that the others have their turn."""

    def __init__(self, server: Server) -> None:
        """Nothing is connected yet."""
        self.server = server
        self.session = Session(server.config.bounds)
        self.heard = asyncio.get_running_loop().time()
        self._packets = milter.Packets()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A mail server has connected; beyond the most, it waits."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.server.came(self, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next octets go. One buffer serves all, since they are taken out at once."""
        return self.server.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take octets, which may be several packets, or less than one."""
        self.heard = asyncio.get_running_loop().time()
        try:
            for command, content in self._packets.add(self.server.buffer[:nbytes]):
                if command == milter.QUIT:
                    self.close()
                    return
                if (reply := self.session.answer(command, content)) and self._transport:
                    self._transport.write(reply)
        except milter.ProtocolError as error:
            LOG.error("a connection is closed: %s", error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.server.went(self)

    def close(self) -> None:
        """End it."""
        if self._transport:
            self._transport.close()


class Server:
    """Takes so many connections at a time; the rest wait."""

    def __init__(self, config: Config) -> None:
        """No connection is there yet."""
        self.config = config
        self.served: set[Connection] = set()
        self.waiting: dict[Connection, asyncio.Transport] = {}
        self.buffer = memoryview(bytearray(milter.PIECE))

    def came(self, one: Connection, transport: asyncio.Transport) -> None:
        """A connection is there."""
        if len(self.served) < self.config.connections:
            self.served.add(one)
        else:
            transport.pause_reading()
            self.waiting[one] = transport

    def went(self, one: Connection) -> None:
        """A connection is gone; the one that has waited longest is served."""
        self.served.discard(one)
        self.waiting.pop(one, None)
        if self.waiting and len(self.served) < self.config.connections:
            other, transport = next(iter(self.waiting.items()))
            del self.waiting[other]
            self.served.add(other)
            transport.resume_reading()

    async def end_silent(self) -> None:
        """Close connections of which nothing has come for too long, until cancelled."""
        while True:
            await asyncio.sleep(WITHIN / 4)
            now = asyncio.get_running_loop().time()
            for one in [one for one in self.served if now - one.heard > one.session.patience]:
                one.close()


def serve(config: Config) -> int:
    """Answer until the process is ended; the exit code."""

    async def run() -> None:
        (handed,) = kit.handed()
        server = Server(config)
        looking = asyncio.create_task(server.end_silent())
        try:
            loop = asyncio.get_running_loop()
            async with await loop.create_unix_server(lambda: Connection(server), sock=handed):
                await kit.alive()
        finally:
            looking.cancel()

    return kit.run(run())


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "guard", __doc__ or "", Config.read, serve)
