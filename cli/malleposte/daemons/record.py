"""The daemon that keeps the record of a host: log-ins, and mail that the filter refused, by account (role record).

Four sockets, which systemd hands over. `told` takes datagrams, each a log-in, one to submission with its address
(`sends`), or the name of an act of accountd, which is counted (`act`); `refused` takes connections of the filter, each
line a refused message with its envelope, whose recipients or sender are resolved to accounts here; both are for a
group. `asked` is for root: `{"act": "of"|"erase"|"end"|"counts", "uid": ...}`, one line each way. `sends` answers
Postfix's policy questions (SMTPD_POLICY_README): once the sessions of an account are ended, those of submission send no
more until a log-in from their address is accepted. From an address of which nothing is known, they go on.

What is told waits a moment in memory, is counted there, and is written in one transaction. Names that mean no account
are not recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import re
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.core.errors import MallepostError
from malleposte.platform.identity import is_uid
from malleposte.runtime import durable, kit
from malleposte.runtime.streams import unix_server
from malleposte.throttle.record.lines import Lines
from malleposte.throttle.record.model import IN, OUT, Event, LogIn, Refusal, Tally, event, plain, reason
from malleposte.throttle.record.store import Store

LOG = logging.getLogger("record")
PAUSE = 2.0  # seconds between writes
HOUR = 3600.0
LARGEST = 4096  # bytes of a datagram
LONGEST = 65_536  # bytes of a line
WAITING = 5_000
"""Events that may wait for a write; further ones are dropped until then."""
SERVICES = 40
"""Names of services that are counted, each with its outcomes."""
ACTS = 100
"""Names of acts that are counted."""
RECIPIENTS = 50
"""Recipients of a refused message that are looked at."""
PATIENCE = 10.0  # seconds for a line
GO_ON = "DUNNO"
AGAIN = "421 4.7.0 Session terminee: reconnectez-vous / session ended: log in again"
"""Postfix ends the connection after a 421 (access(5))."""
NEWS, STEP = 2.0, 0.05
"""Seconds for the news of a log-in: Dovecot tells authpolicy of it while Postfix goes on. Seconds between two looks."""
QUESTIONS = 300.0
"""Seconds for which Postfix may keep a connection without a question."""
_ACT = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True)
class Config:
    """`days` that an event is kept; `names`: Dovecot's socket that resolves names, or None; `domain` of the academy.

    `lines_mb`: room for a journal of single events beside the record, which the role siem sends; 0 for none.
    """

    days: int
    domain: str
    names: Path | None = None
    lines_mb: int = 0

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file. Raises OSError, or ValueError."""
        document = json.loads(path.read_text("utf-8"))
        days, domain, names = document["days"], document["domain"], document.get("names", "")
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 365:
            raise ValueError("days is a whole number from 1 to 365")
        return cls(days, str(domain).lower(), Path(names) if names else None, int(document.get("lines_mb", 0)))


class Record:
    """Events until they are written, and the store."""

    def __init__(
        self,
        store: Store,
        resolver: AccountResolver,
        domain: str,
        clock: Callable[[], float] = time.time,
        lines: Lines | None = None,
    ) -> None:
        """`clock` in seconds since 1970; `lines`: the journal of single events, if there is one."""
        self.store, self.resolver, self.domain, self.clock = store, resolver, domain, clock
        self.lines = lines
        self.tally = Tally()
        self.senders: dict[tuple[str, str], int] = {}
        self.log_ins: Counter[tuple[str, bool]] = Counter()
        """Log-ins since the daemon began, by service and whether they were accepted."""
        self.acts: Counter[str] = Counter()
        """Acts of accountd since the daemon began, by name."""
        self.patience = NEWS
        self._full = False

    def note(self, one: Event) -> None:
        """An event, for the next write."""
        if len(self.tally.events) < WAITING or one in self.tally.events:
            self.tally.add(one, int(self.clock()))
            if self.lines:
                self.lines.add(one, int(self.clock()))
        elif not self._full:
            self._full = True
            LOG.warning("more than %d events wait: further ones are not recorded", WAITING)

    def write(self) -> None:
        """Write what waits. What cannot be written is lost, and the journal says so."""
        waiting, self.tally, self._full = self.tally, Tally(), False
        senders, self.senders = self.senders, {}
        if self.lines:
            self.lines.write()
        try:
            if waiting.events:
                self.store.add(waiting.events.values())
            if senders:
                self.store.sends(senders)
        except sqlite3.Error as error:
            LOG.error("%d events are not recorded: %s", len(waiting.events) + len(senders), error)

    def log_in(self, line: bytes) -> None:
        """A datagram: a log-in, or a session of submission. The sender knows the account."""
        try:
            document = json.loads(line)
            if isinstance(document, dict) and "sends" in document:
                self.sends(document)
            elif isinstance(document, dict) and "act" in document:
                self.acted(document["act"])
            else:
                self.logged_in(event("logins", document if isinstance(document, dict) else {}))
        except (ValueError, RecursionError) as error:
            LOG.warning("a log-in is not understood: %s", error)

    def logged_in(self, one: Event) -> None:
        """Count a log-in, and note it for the next write."""
        if isinstance(one, LogIn) and (len(self.log_ins) < SERVICES or (one.service, one.accepted) in self.log_ins):
            self.log_ins[one.service, one.accepted] += 1
        self.note(one)

    def acted(self, name: object) -> None:
        """Count an act. Raises ValueError."""
        if not isinstance(name, str) or not _ACT.fullmatch(name):
            raise ValueError("no act")
        if len(self.acts) < ACTS or name in self.acts:
            self.acts[name] += 1

    def sends(self, document: Mapping[str, Any]) -> None:
        """An accepted log-in to submission, for the next write. Raises ValueError."""
        account = document.get("account")
        if not isinstance(account, str) or not is_uid(account):
            raise ValueError("no account")
        self.senders[account, str(ipaddress.ip_address(str(document["sends"])))] = int(self.clock())

    async def sender(self, request: Mapping[str, str]) -> str:
        """The action on a question of Postfix about a session (`sasl_username`, `client_address`)."""
        uid = await self.resolver.uid(request.get("sasl_username", ""))
        try:
            place = str(ipaddress.ip_address(request.get("client_address", "")))
        except ValueError:
            return GO_ON
        # The news of a log-in may come after the question.
        last = time.monotonic() + self.patience
        while (uid, place) not in self.senders and self.store.ended(uid, place):
            if time.monotonic() >= last:
                return AGAIN
            await asyncio.sleep(STEP)
        return GO_ON

    async def refused(self, line: bytes) -> None:
        """A line of the filter: `user` of a log-in, `sender`, `recipients`, and the `symbols` that it found."""
        try:
            document = json.loads(line)
            user, sender = str(document.get("user") or "").lower(), str(document.get("sender") or "").lower()
            recipients = [str(one).lower() for one in document.get("recipients", [])][:RECIPIENTS]
            why = reason([str(one) for one in document.get("symbols", [])])
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            LOG.warning("a refused message is not understood: %s", error)
            return
        if user:
            uid = await self.resolver.uid(user)
            if uid:
                self.note(Refusal(uid, OUT, plain(recipients[0] if recipients else ""), why))
            return
        for address in recipients:
            if address.endswith(f"@{self.domain}") and (uid := await self.resolver.uid(_base(address))):
                self.note(Refusal(uid, IN, plain(sender), why))

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to root's question."""
        try:
            question = json.loads(line)
            act, uid = str(question["act"]), str(question["uid"])
        except (ValueError, KeyError, TypeError):
            return {"error": "not a question"}
        if act == "counts":
            log_ins = [[*key, count] for key, count in sorted(self.log_ins.items())]
            return {"log_ins": log_ins, "acts": dict(sorted(self.acts.items()))}
        self.write()
        if act == "of":
            return dict(msgspec.to_builtins(self.store.of(uid)))
        if act == "end":
            return {"ended": self.store.end(uid)}
        if act == "erase":
            return {"erased": self.store.erase(uid)}
        return {"error": f"no act {act!r}"}


def _base(address: str) -> str:
    """The address without its extension."""
    name, _at, domain = address.rpartition("@")
    return f"{name.partition('+')[0]}@{domain}"


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, record: Record) -> None:
        self.record = record

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) <= LARGEST:
            self.record.log_in(data)


class Server:
    """Serves the sockets with one record."""

    def __init__(self, record: Record) -> None:
        self.record = record

    async def told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of the filter."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            while line := await asyncio.wait_for(reader.readline(), PATIENCE):
                await self.record.refused(line)
        writer.close()

    async def asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of root."""
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            line = await asyncio.wait_for(reader.readline(), PATIENCE)
            try:
                answer = self.record.answer(line)
            except sqlite3.Error as error:
                answer = {"error": f"the record cannot be read: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def sends(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of Postfix: lines `name=value`, an empty one after each question."""
        request: dict[str, str] = {}
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ValueError):
            while line := await asyncio.wait_for(reader.readline(), QUESTIONS):
                name, equals, value = line.decode("utf-8", "replace").rstrip("\r\n").partition("=")
                if equals:
                    request[name] = value
                    continue
                try:
                    action = await self.record.sender(request)
                except sqlite3.Error as error:
                    LOG.error("a session is not judged: %s", error)
                    action = GO_ON
                request = {}
                writer.write(f"action={action}\n\n".encode())
                await writer.drain()
        writer.close()

    async def tidy(self) -> None:
        """Write what waits, and erase what is too old, until cancelled."""
        pruned = -HOUR
        while True:
            self.record.write()
            if time.monotonic() - pruned >= HOUR:
                pruned = time.monotonic()
                with contextlib.suppress(sqlite3.Error):
                    self.record.store.prune(int(self.record.clock()))
            await asyncio.sleep(PAUSE)

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve until the process is ended; what waits is written then."""
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for one in sockets:
                if one.type == socket.SOCK_DGRAM:
                    one.setblocking(False)
                    transport, _protocol = await loop.create_datagram_endpoint(
                        lambda: _Datagrams(self.record), sock=one
                    )
                    stack.callback(transport.close)
                    continue
                served = {"asked": self.asked, "sends": self.sends}.get(Path(str(one.getsockname())).name, self.told)
                await stack.enter_async_context(await unix_server(one, served, LONGEST))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.tidy())
                tasks.create_task(kit.alive())


def opened(path: Path, days: int) -> Store:
    """The store; a file that cannot be read is set aside, and begun anew. Raises MallepostError."""
    try:
        return Store(path, days)
    except sqlite3.OperationalError as error:  # the disk is full, or not ours to write: the file is as it was
        raise MallepostError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        aside = durable.set_aside(path)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        kit.say(f"<3>{path} cannot be read ({error}): it is {aside.name} now, and begun anew")
        return Store(path, days)


def _serve(config: Config) -> int:
    path = Path(os.environ.get("STATE_DIRECTORY", ".")) / "record.sqlite"
    store = opened(path, config.days)
    lines = Lines(path.with_name("events.jsonl"), config.lines_mb) if config.lines_mb else None
    record = Record(store, AccountResolver(config.names), config.domain, lines=lines)
    sockets = kit.handed()

    try:
        return kit.run(kit.until_ended(Server(record).serve(sockets), record.write))
    finally:
        store.close()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "record", __doc__, Config.read, _serve)
