"""The daemon that keeps the index of deliveries of a host (role deliveries).

Two sockets, which systemd hands over. `seen` takes connections of the filter, a line a message, and is for a group;
`asked` is for root: `ask.Request` and `ask.Reply`, one line each way. The lines of Postfix and Dovecot come from
journalctl(1), from where it was before; what the filter says meanwhile is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.core.errors import InputError
from malleposte.deliveries import digests, mail_log
from malleposte.deliveries.ask import Reply, Request
from malleposte.deliveries.join import Join
from malleposte.deliveries.mail_log import Arrived, Refused
from malleposte.deliveries.model import MOST_RECIPIENTS, Answer, Query, Seen
from malleposte.deliveries.store import Limits, Store
from malleposte.runtime import durable, kit, settings
from malleposte.runtime.streams import unix_server

LOG = logging.getLogger("deliveries")
PAUSE = 2.0
"""Seconds between writes."""
HOUR = 3600.0
LONGEST = 131_072
"""Bytes of a line."""
PATIENCE = 10.0
"""Seconds for a line."""
READERS = ("postfix.service", "dovecot.service")
CURSOR = "cursor"
AGAIN = 5.0
"""Seconds before the journal is opened again once its reader has ended."""


@dataclass(frozen=True)
class Settings:
    """The limits of the index; `domains` of ours; `names`: Dovecot's socket that resolves names, empty for none."""

    days: int
    rows_a_day: int
    mb: int
    domains: Sequence[str]
    names: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that cannot be."""
        if not 1 <= self.days <= 365:
            raise ValueError("days is a whole number from 1 to 365")
        if self.rows_a_day < 1 or self.mb < 1:
            raise ValueError("rows_a_day and mb are at least 1")


def read(path: Path) -> Settings:
    """Read the settings. Raises InputError, ValueError."""
    return settings.read(path, Settings, "the index of deliveries", "deploy the role deliveries")


class JournalLine(msgspec.Struct):
    """A line of journalctl's JSON; a message that is no text is none of ours."""

    cursor: str = msgspec.field(name="__CURSOR", default="")
    program: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default="")
    message: Any = msgspec.field(name="MESSAGE", default="")
    moment: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="0")


class Index:
    """The store, and what waits to be written."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        resolver: AccountResolver,
        domains: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` in seconds since 1970."""
        self.store, self.key, self.resolver, self.clock = store, key, resolver, clock
        self.domains = frozenset(domains)
        self.join = Join(key)
        self.cursor = store.note(CURSOR)
        self._written = self.cursor

    async def see(self, line: bytes) -> None:
        """Note a line of the filter."""
        try:
            seen = msgspec.json.decode(line, type=Seen, strict=False)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            LOG.warning("a message is not understood: %s", error)
            return
        addresses = map(str.lower, seen.recipients[:MOST_RECIPIENTS])
        accounts = {one: await self._account(one) for one in dict.fromkeys(addresses)}
        account = await self.resolver.uid(seen.user.lower()) if seen.user else ""
        self.join.see(seen, account, accounts, int(self.clock()))

    async def _account(self, address: str) -> str:
        """The uid whose address it is; empty for none of ours."""
        name, _at, domain = address.rpartition("@")
        return await self.resolver.uid(f"{name.partition('+')[0]}@{domain}") if domain in self.domains else ""

    async def line(self, line: bytes) -> None:
        """Note a line of journalctl."""
        try:
            entry = msgspec.json.decode(line, type=JournalLine)
            now = int(entry.moment) // 1_000_000
        except (msgspec.DecodeError, ValueError):
            return
        self.cursor = entry.cursor or self.cursor
        if isinstance(entry.message, str) and isinstance(entry.program, str):
            event = mail_log.event(entry.program, entry.message)
            if isinstance(event, Refused) and event.known_recipient:
                self.join.note(event, now, await self._account(event.address))
            elif isinstance(event, Arrived) and event.user:
                self.join.note(event, now, await self.resolver.uid(event.user.lower()))
            elif event is not None:
                self.join.note(event, now)

    def write(self) -> None:
        """Write what waits. What cannot be written is lost, and the journal says so."""
        news = self.join.take()
        if self.join.dropped:
            LOG.warning("%d messages are not indexed: more than can wait came at once", self.join.dropped)
            self.join.dropped = 0
        if not news and self.cursor == self._written:
            return
        try:
            self.store.add(news, {CURSOR: self.cursor} if self.cursor else None)
            self._written = self.cursor
        except (sqlite3.Error, OSError) as error:
            LOG.error("%d messages are not indexed: %s", len(news), error)

    def answer(self, line: bytes) -> Reply:
        """Return the answer to root's question."""
        try:
            request = msgspec.json.decode(line, type=Request)
            self.write()
            if request.erase:
                return Reply(erased=self.store.erase(request.erase))
            if request.retracted or request.back:
                self.store.retract(request.retracted or request.back, back=bool(request.back))
                return Reply()
            if request.likeness:
                asked = request.likeness.checked()
                return Reply(likeness=self.store.likeness(asked, digests.keyed(self.key, asked.word)))
            return Reply(answer=self._find(request.find or Query()))
        except (msgspec.DecodeError, InputError) as error:
            return Reply(error=str(getattr(error, "message", error)))
        except (sqlite3.Error, OSError) as error:
            return Reply(error=f"the index cannot be read: {error}")

    def _find(self, query: Query) -> Answer:
        one = query.checked()
        return self.store.find(one, digests.keyed(self.key, one.word))


async def journal(cursor: str) -> AsyncIterator[bytes]:
    """Return the lines of the mail daemons in the journal behind a cursor, or from now on, as journalctl's JSON."""
    begin = [f"--after-cursor={cursor}"] if cursor else ["--lines=0"]
    process = await asyncio.create_subprocess_exec(
        "journalctl", "--follow", "--output=json", "--output-fields=SYSLOG_IDENTIFIER,MESSAGE", *begin,
        *(f"--unit={unit}" for unit in READERS), stdout=asyncio.subprocess.PIPE, limit=LONGEST,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit: none of ours
                continue
            if not line:
                return
            yield line
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class Server:
    """Serves the sockets and reads the journal, with one index."""

    def __init__(self, index: Index) -> None:
        self.index = index

    async def seen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of the filter."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            while line := await asyncio.wait_for(reader.readline(), PATIENCE):
                await self.index.see(line)
        writer.close()

    async def asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of root."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            line = await asyncio.wait_for(reader.readline(), PATIENCE)
            writer.write(msgspec.json.encode(self.index.answer(line)) + b"\n")
            await writer.drain()
        writer.close()

    async def follow(self) -> None:
        """Read the journal until cancelled. A cursor that the journal does not know any more is given up."""
        while True:
            begun, lines = time.monotonic(), 0
            async for line in journal(self.index.cursor):
                await self.index.line(line)
                lines += 1
            if not lines and time.monotonic() - begun < AGAIN and self.index.cursor:
                LOG.warning("the journal does not know its place of before: mail since then is not indexed")
                self.index.cursor = ""
            await asyncio.sleep(AGAIN)

    async def tidy(self) -> None:
        """Write what waits, and remove old days, until cancelled."""
        pruned = -HOUR
        while True:
            self.index.write()
            if time.monotonic() - pruned >= HOUR:
                pruned = time.monotonic()
                try:
                    self.index.store.prune(int(self.index.clock()))
                except (sqlite3.Error, OSError) as error:
                    LOG.error("old days of the index are not removed: %s", error)
            await asyncio.sleep(PAUSE)

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve until the process is ended."""
        async with contextlib.AsyncExitStack() as stack:
            for one in sockets:
                served = self.asked if Path(str(one.getsockname())).name == "asked" else self.seen
                await stack.enter_async_context(await unix_server(one, served, LONGEST))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.tidy())
                tasks.create_task(self.follow())
                tasks.create_task(kit.alive())


def key_of(folder: Path) -> bytes:
    """Return the key of the digests, made at first; of another key, older words are not found. Raises OSError."""
    path = folder / "key"
    if not path.exists():
        durable.write(path, secrets.token_hex(32))
    return bytes.fromhex(path.read_text("ascii").strip())


def serve(settings: Settings) -> int:
    """Serve until SIGTERM; what waits is written then."""
    folder = Path(os.environ.get("STATE_DIRECTORY", "."))
    store = Store(folder, Limits(settings.days, settings.rows_a_day, settings.mb))
    names = Path(settings.names) if settings.names else None
    index = Index(store, key_of(folder), AccountResolver(names), settings.domains)

    try:
        return kit.run(kit.until_ended(Server(index).serve(kit.handed()), index.write))
    finally:
        store.close()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "deliveries", __doc__ or "", read, serve)
