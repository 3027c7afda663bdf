"""Make the copies that were asked for, one after the other: a step of `accounts nightly`, which a path unit starts too.

A copy is what `accounts export` writes. It is made only while every host answers, and as long as the disk has room.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from malleposte.accounts import acts
from malleposte.accounts.disclosure import letters
from malleposte.accounts.disclosure.export import ACCOUNTD_JOURNAL, Exporter, Subject
from malleposte.accounts.disclosure.spool import AWAY, ENDED, FAILED, KEPT, READY, ROOM, Spool
from malleposte.accounts.life.renewal import Facts
from malleposte.core.errors import InputError
from malleposte.core.loops import named, reason
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.locks import waited
from malleposte.platform.times import when

if TYPE_CHECKING:
    from malleposte.accounts.life.steps import NightlyRun, StepResult

LOCK = Path("/run/lock/malleposte-own-data.lock")
LOOK_EVERY = 32 << 20
"""Bytes after which the disk is looked at again."""


class NoRoomError(OSError):
    """The disk has no room for it."""


class Bounded:
    """A file that is written only while the disk has room."""

    def __init__(self, file: BinaryIO, room: Callable[[], bool]) -> None:
        self._file, self._room, self._left = file, room, 0

    def write(self, content: bytes) -> int:
        """Write it. Raises NoRoomError."""
        self._left -= len(content)
        if self._left < 0:
            if not self._room():
                raise NoRoomError("no room")
            self._left = LOOK_EVERY
        return self._file.write(content)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()


class Maker:
    """Makes copies and clears up after them."""

    def __init__(
        self,
        night: NightlyRun,
        result: StepResult,
        spool: Spool,
        facts: Callable[[], Facts],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self.night, self.result, self.spool, self.facts, self.clock = night, result, spool, facts, clock

    def clear(self) -> None:
        """Copies whose time is over go, and those of accounts that are no more."""
        tools, now = self.night.tools, self.clock()
        for uid in self.spool.holders():
            with named(self.result.failures.append, uid):
                copy = self.spool.of(uid, now)
                asked = when(copy.asked)
                if self._entry_of(uid) is None or (not copy.pending() and (asked is None or asked + 2 * KEPT < now)):
                    self.spool.remove(uid)
                elif copy.state == ENDED and self.spool.end(uid):
                    tools.journal.write("own-data-end", uid, note="its time is over")
                    self.result.done.append(f"{uid}:{ENDED}")

    def make(self, uid: str) -> None:
        """Make one and tell its owner; why not is told too."""
        account = self._entry_of(uid)
        if account is None:
            self.spool.remove(uid)
            return
        if first(account.attributes, "mpState") != State.ACTIVE:
            self.spool.end(uid)  # nobody could fetch it
            return
        self.spool.begin(uid)
        try:
            self._write(uid, account)
        except Exception as error:  # noqa: BLE001  # told, and the copies behind it are made
            why = ROOM if isinstance(error, NoRoomError) else AWAY
            self.spool.fail(uid, why)
            self.night.tools.journal.write("own-data-failed", uid, reason=why)
            self.result.failures.append(f"{uid}: {reason(error)}")
            self._tell(uid, account, letters.failed, FAILED)

    def _write(self, uid: str, entry: Entry) -> None:
        tools = self.night.tools
        tools.hosts.demand()
        if not self.spool.room():
            raise NoRoomError("no room on the disk of the copies")
        exporter = Exporter(tools.hosts.files, (self.night.settings.journal, ACCOUNTD_JOURNAL))
        with self.spool.part(uid) as file:
            target = cast("IO[bytes]", Bounded(file, self.spool.room))
            report = exporter.write(Subject.of(tools.directory, entry), target)
        copy = self.spool.publish(uid, self.clock(), len(report.failures))
        if copy is None:
            return
        tools.journal.write("own-data", uid, counts=report.counts, missing=len(report.failures))
        self.result.done.append(f"{uid}:{READY}")
        self._tell(uid, entry, letters.ready, READY)

    def _tell(self, uid: str, entry: Entry, letter: Callable[..., EmailMessage], state: str) -> None:
        copy = self.spool.of(uid, self.clock())
        if copy.state != state:
            return  # called off meanwhile
        with named(self.result.failures.append, f"{uid}: not told"):
            self.night.send(letter(copy, uid, first(entry.attributes, "mail"), self.facts(), self.clock()))

    def _entry_of(self, uid: str) -> Entry | None:
        try:
            return acts.entry(self.night.tools.directory, uid)
        except InputError:
            return None


def step(night: NightlyRun, result: StepResult) -> None:
    """Make what waits, end what is over."""
    run(night, result, Spool())


def run(
    night: NightlyRun,
    result: StepResult,
    spool: Spool,
    *,
    lock: Path = LOCK,
    facts: Callable[[], Facts] = Facts.read,
    clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
) -> None:
    """See `step`. Another run is waited for: it leaves nothing that waits."""
    if night.dry:
        result.done += [f"{uid}:asked" for uid in spool.waiting()]
        return
    with waited(lock):
        maker = Maker(night, result, spool, facts, clock)
        maker.clear()
        stuck: set[str] = set()
        while waiting := [uid for uid in spool.waiting() if uid not in stuck]:
            stuck.add(waiting[0])
            with named(result.failures.append, waiting[0]):
                maker.make(waiting[0])
