"""The daemon that keeps the archives of the lists of a host (role circulars).

Three sockets. `filed` takes messages of the daemon of the lists: a line `Filing`, its bytes, back a line `Filed`.
`asked` is for root: `ask.Request` and `ask.Reply`, one line each way. It calls `words`, behind which systemd starts
pdftotext(1) for each PDF, as a user of its own without network or files: the bytes go in, words come out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from malleposte.circulars import readers as reads
from malleposte.circulars.ask import Reply, Request, Which
from malleposte.circulars.model import (
    MOST_FOUND,
    Answer,
    Counting,
    Filed,
    Filing,
    Query,
    Readers,
    Reading,
    Shown,
)  # fmt: skip
from malleposte.circulars.parts import Parts
from malleposte.circulars.store import FullError, Limits, Store
from malleposte.core.loops import named
from malleposte.runtime import kit, settings
from malleposte.runtime.streams import unix_server

LOG = logging.getLogger("circulars")
HOUR = 3600.0
LONGEST = 1 << 20
"""Bytes of a line."""
PATIENCE = 60.0
"""Seconds for a line, and for the bytes of a message."""
PAUSE = 5.0
"""Seconds between looks for PDFs that nobody has read."""
WORDS_PATIENCE = 90.0
"""Seconds for the words of a PDF; its unit ends before."""
MOST_WORDS = 2_000_000
"""Bytes of the words of a PDF, and of all of a message."""


@dataclass(frozen=True)
class Settings:
    """The limits, what is kept of who reads, and the socket behind which PDFs are read."""

    days: int
    list_mb: int
    mb: int
    readers: str
    words: str

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if min(self.days, self.list_mb, self.mb) < 1:
            raise ValueError("days, list_mb and mb are at least 1")
        Counting(self.readers)


def read(path: Path) -> Settings:
    """Read the settings. Raises InputError, ValueError."""
    return settings.read(path, Settings, "the circulars", "deploy the role circulars")


class Archive:
    """The store, and the answers to what is asked of it."""

    def __init__(self, store: Store, counting: Counting, clock: Callable[[], float] = time.time) -> None:
        self.store, self.counting, self.clock = store, counting, clock
        self.parts = Parts(store)

    def file(self, filing: Filing, raw: bytes) -> Filed:
        """Archive a message."""
        try:
            self.store.file(filing, raw)
        except FullError as error:
            return Filed(full=True, first=error.first)
        except (OSError, sqlite3.Error, msgspec.DecodeError) as error:
            LOG.error("a message of %s is not archived: %s", filing.list, error)
            return Filed(error=f"{type(error).__name__}: {error}")
        return Filed()

    def answer(self, line: bytes) -> Reply:
        """Return the answer to root's question."""
        try:
            return self._answer(msgspec.json.decode(line, type=Request))
        except (msgspec.DecodeError, ValueError) as error:
            return Reply(error=f"not understood: {error}")
        except (sqlite3.Error, OSError) as error:
            return Reply(error=f"the archive cannot be read: {error}")

    def _answer(self, request: Request) -> Reply:
        if request.show:
            return Reply(shown=self._show(request.show))
        if request.part:
            return Reply(chunk=self.parts.chunk(request.part))
        if request.readers:
            return Reply(readers=self._readers(request.readers))
        if request.read_by:
            return Reply(readings=tuple(self._read_by(request.read_by)))
        if request.erase:
            gone = frozenset(request.erase)
            return Reply(count=sum(reads.erase(self.store.place(*one), gone) for one in self.store.every()))
        if request.retracted or request.back:
            return Reply(count=self.store.withdraw(request.retracted or request.back, back=bool(request.back)))
        return Reply(answer=self._find(request.find or Query(())))

    def _find(self, query: Query) -> Answer:
        circulars, oldest = self.store.find(query)
        full = tuple(sorted(self.store.full() & frozenset(query.lists)))
        return Answer(tuple(circulars[:MOST_FOUND]), len(circulars) > MOST_FOUND, oldest, full, self.counting)

    def _show(self, which: Which) -> Shown | None:
        one = self.store.show(which.list, which.ident)
        if one is None:
            return None
        if which.uid and self.counting is not Counting.NOTHING:
            reads.note(self.store.place(which.list, which.ident), which.uid, int(self.clock()))
        return Shown(one, self.counting)

    def _readers(self, which: Which) -> Readers | None:
        if self.counting is Counting.NOTHING or not self.store.stands(which.list, which.ident):
            return None
        every = reads.every(self.store.place(which.list, which.ident))
        return Readers(len(every), tuple(every) if self.counting is Counting.NAMES else ())

    def _read_by(self, uid: str) -> list[Reading]:
        rows = list[Reading]()
        for name, ident in sorted(self.store.every()):
            one = reads.find(self.store.place(name, ident), uid)
            if one and (circular := self.store.head(name, ident)):
                rows.append(Reading(name, circular.subject, one.time))
        return rows


async def words_of(body: bytes, words: Path) -> str:
    """Return the words of a PDF; none where its reader was ended or finds none. Raises OSError without a reader."""
    reader, writer = await asyncio.open_unix_connection(str(words))
    came = bytearray()
    try:
        async with asyncio.timeout(WORDS_PATIENCE):
            sent = asyncio.create_task(_send(writer, body))
            while len(came) < MOST_WORDS and (some := await reader.read(65_536)):
                came += some
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)
    except (OSError, TimeoutError) as error:
        LOG.warning("a PDF is not read to its end: %s", type(error).__name__)
    finally:
        writer.transport.abort()
    return bytes(came[:MOST_WORDS]).decode("utf-8", "replace")


async def _send(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(body)
    await writer.drain()
    writer.write_eof()


class Server:
    """Serves the sockets, reads PDFs, erases what is old."""

    def __init__(self, archive: Archive, words: Path) -> None:
        self.archive, self.words = archive, words
        self._one = asyncio.Semaphore(2)
        """Messages that are taken at the same time: each is in memory."""

    async def filed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of the daemon of the lists."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError, msgspec.DecodeError):
            async with self._one, asyncio.timeout(PATIENCE):
                filing = msgspec.json.decode(await reader.readline(), type=Filing)
                reply = self.archive.file(filing, await reader.readexactly(filing.size))
                writer.write(msgspec.json.encode(reply) + b"\n")
                await writer.drain()
        writer.close()

    async def asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of root."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            line = await asyncio.wait_for(reader.readline(), PATIENCE)
            writer.write(msgspec.json.encode(self.archive.answer(line)) + b"\n")
            await writer.drain()
        writer.close()

    async def tidy(self) -> None:
        """Read PDFs that nobody has read, and erase what is old, until cancelled."""
        pruned = -HOUR
        while True:
            failures = list[str]()
            for one in self.archive.store.waiting():
                with named(failures.append, "/".join(one)):
                    await self.read_pdfs(*one)
            if time.monotonic() - pruned >= HOUR:
                pruned = time.monotonic()
                with named(failures.append, "old circulars"):
                    self.archive.store.prune(int(self.archive.clock()))
            for line in failures:
                LOG.error("%s", line)
            await asyncio.sleep(PAUSE if not failures else PATIENCE)

    async def read_pdfs(self, name: str, ident: str) -> None:
        """Keep the words of the PDFs of a message. Raises OSError, sqlite3.Error: it is tried again."""
        inside, room = list[str](), MOST_WORDS
        for body in self.archive.store.pdfs(name, ident):
            if room > 0:
                inside.append((await words_of(body, self.words))[:room])
                room -= len(inside[-1])
        self.archive.store.keep_words(name, ident, "\n".join(inside))

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve until the process is ended."""
        async with contextlib.AsyncExitStack() as stack:
            for one in sockets:
                served = self.asked if Path(str(one.getsockname())).name == "asked" else self.filed
                await stack.enter_async_context(await unix_server(one, served, LONGEST))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.tidy())
                tasks.create_task(kit.alive())


def serve(settings: Settings) -> int:
    """Serve until SIGTERM."""
    store = Store(Path(os.environ.get("STATE_DIRECTORY", ".")), Limits(settings.days, settings.list_mb, settings.mb))
    server = Server(Archive(store, Counting(settings.readers)), Path(settings.words))
    try:
        return kit.run(kit.until_ended(server.serve(kit.handed()), lambda: None))
    finally:
        store.close()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "circulars", __doc__ or "", read, serve)
