"""The daemon of the reports (role reports): mail in by LMTP, questions of root by a socket of their own.

It has a user of its own and no network. Usage: reports [--check] FILE
"""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.loops import named
from malleposte.reports import summary, unpack
from malleposte.reports.intake import Intake
from malleposte.reports.model import DAY
from malleposte.reports.sources import NamedSources
from malleposte.reports.store import Store
from malleposte.runtime import durable, kit, servers, settings

FOLDER = Path("/var/lib/malleposte-reports")
BEAT = 10.0
"""Seconds between two signs of life to systemd."""
HOUR = 3600.0
_NEEDED = ("lmtp.sock", "asked.sock")


@dataclass(frozen=True)
class Settings:
    """`domain` of the academy, `hostname` for the greeting, `days` that a report is kept.

    `ours` and `relays` have addresses and networks by name.
    """

    domain: str
    hostname: str
    days: int
    ours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path = FOLDER

    def named_sources(self) -> NamedSources:
        """The sources that have a name. Raises ValueError."""
        return NamedSources.of(self.ours, self.relays)


def read(path: Path) -> Settings:
    """Read the settings. Raises InputError, ValueError."""
    parsed = settings.read(path, Settings, "the reports", "deploy the role reports")
    parsed.named_sources()
    if not 1 <= parsed.days <= 3660:
        raise ValueError("days is a whole number from 1 to 3660")
    return parsed


def opened(folder: Path, say: Callable[[str], object]) -> Store:
    """Open the store of a folder, with the reports that its copy alone has: those of a host that was restored.

    A file that is none is set aside, and begun anew. Raises OSError, sqlite3.Error.
    """
    store, copy = _opened(folder / "reports.sqlite", say), copy_of(folder)
    if copy.exists():
        try:
            if added := store.merge(copy):
                say(f"{added} reports of the copy are here again")
        except sqlite3.Error as error:
            say(f"<4>{copy} cannot be read: {error}")
    return store


def _opened(path: Path, say: Callable[[str], object]) -> Store:
    try:
        return Store(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
            raise
        aside = durable.set_aside(path)
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        say(f"<4>{path} cannot be read ({error}): it is {aside.name} now, and begun anew")
        return Store(path)


def copy_of(folder: Path) -> Path:
    """The copy of a day, which backups take."""
    return folder / "copy" / "reports.sqlite"


class Upkeep:
    """The work of each hour, and of each day."""

    def __init__(self, store: Store, lock: threading.Lock, settings: Settings, say: Callable[[str], object]) -> None:
        self.store, self.lock, self.settings, self.say = store, lock, settings, say
        self.next = 0.0

    def due(self, now: float) -> None:
        """Do what it is time for (seconds since 1970). What fails is said, and tried again an hour later."""
        if now < self.next:
            return
        self.next = now + HOUR
        failed: list[str] = []
        with self.lock:
            with named(failed.append, "removing old reports"):
                self.store.prune(now, self.settings.days)
            with named(failed.append, "the copy for the backups"):
                copy = copy_of(self.settings.folder)
                copy.parent.mkdir(mode=0o700, exist_ok=True)
                if not copy.exists() or now - copy.stat().st_mtime > DAY - HOUR:
                    self.store.copy(copy)
        for line in failed:
            self.say(f"<3>{line}")


def acts(
    store: Store, lock: threading.Lock, settings: Settings, clock: Callable[[], float] = time.time
) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """The questions of root: `summary` of some days, perhaps of one source, and `figures` for the watch."""
    senders = settings.named_sources()

    def show(request: Mapping[str, Any]) -> Any:
        source = str(ipaddress.ip_address(request["source"])) if request.get("source") else ""
        with lock:
            return msgspec.to_builtins(summary.summary(store, senders, clock(), int(request["days"]), source))

    def count(_request: Mapping[str, Any]) -> Any:
        with lock:
            return msgspec.to_builtins(summary.figures(store, senders, clock()))

    return {"summary": show, "figures": count}


def handed() -> dict[str, socket.socket]:
    """The sockets of systemd, by the last part of their path. Raises InputError when one is missing."""
    sockets = {Path(str(one.getsockname())).name: one for one in kit.handed()}
    missing = [name for name in _NEEDED if name not in sockets]
    if missing:
        raise InputError(f"no socket {missing[0]}", "systemd starts this: systemctl start malleposte-reports.service")
    return sockets


def serve(settings: Settings) -> int:
    """Serve until SIGTERM; the message under way is ended first."""
    sockets = handed()
    try:
        store = opened(settings.folder, kit.say)
    except sqlite3.Error as error:
        raise MallepostError(f"{settings.folder}: {error}", "look at the disk") from error
    with contextlib.closing(store):
        intake = Intake(store, settings.domain, settings.days, kit.say, time.time)
        running = [
            servers.lmtp(
                sockets["lmtp.sock"],
                settings.hostname,
                intake.taken,
                kit.say,
                longest=unpack.LARGEST,
                cut=True,
                idle=True,
            ),
            servers.control(sockets["asked.sock"], acts(store, intake.lock, settings), kit.say),
        ]
        upkeep = Upkeep(store, intake.lock, settings, kit.say)
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in running]
        for thread in threads:
            thread.start()
        kit.tell("READY=1")
        while not over.wait(BEAT):
            if not all(thread.is_alive() for thread in threads):
                raise MallepostError("a thread ended", "systemd starts this again; see the lines before")
            kit.tell("WATCHDOG=1")
            upkeep.due(time.time())
        kit.tell("STOPPING=1")
        for server in running:
            server.shutdown()
        for server in running:
            server.server_close()
    return ExitCode.DONE


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code."""
    return kit.start(words, "reports", __doc__ or "", read, serve)
