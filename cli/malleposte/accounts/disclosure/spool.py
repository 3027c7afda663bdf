"""The place of the copies and the state of each request: a folder of accountd's user on the directory's host.

Of an account there are up to four files: `UID.json` (its state), `UID.asked` (it waits; a path unit sees this one),
`UID.part` (it is being made) and `UID.zip`. accountd asks, hands over and ends; root makes, and works here as the
folder's user. Whoever takes `UID.asked` away calls a copy off: it is then not kept when it is whole.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from malleposte.accounts.channels import checked
from malleposte.platform.times import stamp, when
from malleposte.runtime import owner

FOLDER = Path("/var/lib/malleposte-own-data")
KEPT = datetime.timedelta(days=7)
"""For how long a copy can be fetched."""
APART = datetime.timedelta(days=1)
"""Between two requests of an agent."""
RESERVE = 0.1
"""The part of the disk that copies leave free: the directory is on this host."""

ASKED, MAKING, READY, FAILED, ENDED = "asked", "making", "ready", "failed", "ended"
ROOM, AWAY = "room", "away"
"""The reasons why one failed: no room on the disk; a host or the disk gave no answer."""


@dataclass(frozen=True)
class Copy:
    """One account's copy; times as the directory writes them, empty for none. `missing`: parts that are not in it."""

    state: str = ""
    asked: str = ""
    made: str = ""
    until: str = ""
    size: int = 0
    missing: int = 0
    reason: str = ""

    @property
    def again(self) -> str:
        """The time from which the agent may ask for the next one; empty for at once."""
        asked = when(self.asked)
        return stamp(asked + APART) if asked else ""

    def pending(self) -> bool:
        """Whether it waits or is being made."""
        return self.state in (ASKED, MAKING)


@dataclass(frozen=True)
class Spool:
    """The folder. Every act may raise OSError."""

    folder: Path = FOLDER

    def of(self, uid: str, now: datetime.datetime) -> Copy:
        """The state of the account's last request. One whose time is over is ended, whether or not it is gone."""
        with owner.as_owner(self.folder):
            copy = self._read(uid)
            if copy.state == READY:
                until = when(copy.until)
                if until is None or until <= now or not owner.plain(self._path(uid, "zip")):
                    return replace(copy, state=ENDED, size=0)
            return copy

    def ask(self, uid: str, now: datetime.datetime) -> Copy | None:
        """Have a copy made; the one from before goes. None where the last request is of the same day."""
        with owner.as_owner(self.folder):
            last = self._read(uid)
            again = when(last.again)
            if last.pending() or (again is not None and again > now):
                return None
            self._gone(uid, "zip", "part")
            copy = Copy(ASKED, stamp(now))
            self._write(uid, copy)
            self._path(uid, "asked").touch(mode=0o600)
            return copy

    def waiting(self) -> list[str]:
        """The accounts whose copies wait, who asked first at the head."""
        with owner.as_owner(self.folder):
            return [path.stem for path in sorted(self._all("asked"), key=lambda one: (one.lstat().st_mtime, one.name))]

    def begin(self, uid: str) -> None:
        """Note that the copy is being made."""
        with owner.as_owner(self.folder):
            self._write(uid, replace(self._read(uid), state=MAKING))

    @contextlib.contextmanager
    def part(self, uid: str) -> Iterator[BinaryIO]:
        """The file that it is written to, which is on disk when the block ends. It goes where the block raises."""
        with owner.as_owner(self.folder):
            self._gone(uid, "part")
            handle = os.open(self._path(uid, "part"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with owner.as_owner(self.folder):
                self._gone(uid, "part")
            raise

    def publish(self, uid: str, now: datetime.datetime, missing: int) -> Copy | None:
        """Publish the whole copy; None where it was called off meanwhile."""
        with owner.as_owner(self.folder):
            part = self._path(uid, "part")
            if not owner.plain(self._path(uid, "asked")):
                self._gone(uid, "part")
                return None
            until, size = stamp(now + KEPT), part.lstat().st_size
            copy = Copy(READY, self._read(uid).asked, stamp(now), until, size, missing)
            part.rename(self._path(uid, "zip"))
            self._write(uid, copy)
            self._gone(uid, "asked")
            return copy

    def fail(self, uid: str, reason: str) -> None:
        """Note that the copy could not be made."""
        with owner.as_owner(self.folder):
            self._gone(uid, "part")
            if owner.plain(self._path(uid, "asked")):
                self._write(uid, replace(self._read(uid), state=FAILED, reason=reason))
                self._gone(uid, "asked")

    def end(self, uid: str) -> bool:
        """The copy goes, or what waits is called off; whether there was either. The day of the request stays known."""
        with owner.as_owner(self.folder):
            last = self._read(uid)
            was = self._gone(uid, "asked", "part", "zip")
            if was:
                self._write(uid, replace(last, state=ENDED, size=0))
            return was

    def remove(self, uid: str) -> bool:
        """All of it goes; whether there was any."""
        with owner.as_owner(self.folder):
            return self._gone(uid, "asked", "part", "zip", "json")

    def holders(self) -> list[str]:
        """The accounts of which something is here."""
        with owner.as_owner(self.folder):
            return sorted({path.stem for kind in ("asked", "part", "zip", "json") for path in self._all(kind)})

    def open(self, uid: str) -> BinaryIO:
        """The copy, to be read."""
        with owner.as_owner(self.folder):
            handle = os.open(self._path(uid, "zip"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.fdopen(handle, "rb")

    def room(self, size: int = 0) -> bool:
        """Whether so many bytes more leave the reserve free."""
        disk = shutil.disk_usage(self.folder)
        return disk.free - size >= RESERVE * disk.total

    def _all(self, kind: str) -> list[Path]:
        return [path for path in self.folder.glob(f"*.{kind}") if owner.plain(path)]

    def _path(self, uid: str, kind: str) -> Path:
        return self.folder / f"{checked(uid)}.{kind}"

    def _read(self, uid: str) -> Copy:
        try:
            return Copy(**json.loads(owner.read(self._path(uid, "json"))))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return Copy()

    def _write(self, uid: str, copy: Copy) -> None:
        owner.replace(self._path(uid, "json"), json.dumps(asdict(copy)))

    def _gone(self, uid: str, *kinds: str) -> bool:
        there = False
        for path in (self._path(uid, kind) for kind in kinds):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
                there = True
        return there
