"""The hours of agents on the host of their mailboxes: one file of the store an agent, which is the choice, its Sieve
script and the entry in the mover's list. For root, as the owner of the store (`owner`).
"""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from malleposte.accounts import facts
from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.hours import calendar, holidays, moves, recall, script
from malleposte.accounts.mailbox.hours.due import Due
from malleposte.accounts.mailbox.hours.model import Change, Hours, State, written
from malleposte.accounts.mailbox.senders import SETTLED_SECONDS
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import locks
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import HOURS, STORE, WAITING
from malleposte.runtime import owner

SUFFIX = ".sieve"
LOCK = "lock"
SCHOOL = "school-holidays.json"
"""The school holidays, which the nightly work brings. It counts for the agents who chose them."""
THERE = 65
"""EX_DATAERR: doveadm's code for a folder that is there."""
CLOSED = 67
"""EX_NOUSER: Dovecot does not open the box of a suspended account."""


type Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Through:
    """The senders that always come through: `urgent` ones, and the platform's address, for codes and alerts."""

    urgent: tuple[str, ...]
    platform: str

    @classmethod
    def of(cls, platform_facts: dict[str, Any]) -> Through:
        """Those of the platform's facts. Raises InputError."""
        try:
            urgent = (platform_facts["support"]["mail"], *platform_facts.get("urgent_senders", ()))
            return cls(tuple(one.lower() for one in urgent if one), f"postmaster@{platform_facts['domain']}")
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"the platform's facts have no {error}", "deploy this host again") from error


class Store:
    """The files of all agents of a store."""

    def __init__(self, root: Path = STORE, through: Through | None = None) -> None:
        """`through`: that of this host's facts otherwise."""
        self.root, self.folder, self._through = root, root / HOURS, through

    def read(self, uid: str) -> Hours:
        """The hours of an agent; those of nobody where none were chosen. Raises MallepostError."""
        with owner.as_owner(self.folder):
            path = self._path(uid)
            return self._parsed(path) if owner.plain(path) else Hours()

    def state(self, uid: str) -> State:
        """The hours of an agent, and what comes of them now. Raises MallepostError."""
        hours, now = self.read(uid), calendar.here(time.time())
        following, opens = calendar.following(hours, now), calendar.opens(hours, now)
        waiting, *recalled = (self._count(uid, folder) for folder in (WAITING, *recall.folders()))
        return State(
            hours,
            waiting,
            opens,
            written(following) if following and not opens else "",
            sum(recalled),
            self.school_holidays(),
        )

    def _count(self, uid: str, folder: str) -> int:
        box = moves.waiting(checked(uid), self.root, Due(folder))
        return box.count if box else 0

    def change(self, uid: str, change: Change) -> State:
        """Change them; what comes of it. Raises InputError, MallepostError."""
        with self._alone():
            current = self.read(uid)
            new = self._with_days(change.to(current, calendar.here(time.time())))
            if new != current:
                self._write(uid, new)
        return self.state(uid)

    def refresh(self, uid: str) -> Hours:
        """Read them, and write the script anew where the platform's senders, the year or the release changed it.

        Raises MallepostError.
        """
        with self._alone():
            path = self._path(uid)
            hours = self._with_days(self._parsed(path))
            if owner.read(path).decode("utf-8", "replace") != self._script(hours):
                self._write(uid, hours)
            return hours

    def school_holidays(self) -> tuple[str, ...]:
        """Return the school holidays that are not over, as this host was told them. Raises MallepostError."""
        path = self.folder / SCHOOL
        with owner.as_owner(self.folder):
            periods = holidays.loaded(owner.read(path).decode(), path) if owner.plain(path) else ()
        today = calendar.here(time.time()).date()
        return tuple(one for one in periods if holidays.period(one)[1] >= today)

    def learn(self, periods: Iterable[str]) -> None:
        """Keep the school holidays. Raises InputError where one is no period."""
        checked_periods = tuple(holidays.written(*holidays.period(one)) for one in periods)
        with self._alone():
            path, text = self.folder / SCHOOL, holidays.dumped(checked_periods)
            if not owner.plain(path) or owner.read(path).decode() != text:
                owner.replace(path, text)

    def _with_days(self, hours: Hours) -> Hours:
        return replace(hours, closed=self.school_holidays() if hours.school else ())

    def forget(self, uid: str) -> bool:
        """Remove them, at the end of an account; whether there were any."""
        path = self._path(uid)
        with owner.as_owner(self.folder):
            there = path.exists(follow_symlinks=False)
            for one in (path, path.with_suffix(".svbin")):
                one.unlink(missing_ok=True)
            return there

    def stamps(self) -> dict[str, Stamp]:
        """Each agent who chose some, with what is another after a change of the file, of the platform's facts or of the
        school holidays.
        """
        by_uid, of_facts = {}, max(_time(facts.FILE), _time(self.folder / SCHOOL))
        with owner.as_owner(self.folder), contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                name = entry.name.removesuffix(SUFFIX)
                if name == entry.name or not is_uid(name):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    by_uid[name] = (state.st_ino, state.st_mtime_ns, of_facts)
        return by_uid

    def changed(self) -> int:
        """A number that is another one after a change in the folder, or of the platform's facts."""
        with owner.as_owner(self.folder):
            return hash(tuple(_time(one) for one in (self.folder, facts.FILE)))

    def _path(self, uid: str) -> Path:
        return self.folder / f"{checked(uid)}{SUFFIX}"

    def _parsed(self, path: Path) -> Hours:
        try:
            return script.parsed(owner.read(path).decode("utf-8", "replace"))
        except InputError as error:
            raise MallepostError(f"{path}: {error.message}", "choose the hours again") from error

    def _script(self, hours: Hours) -> str:
        through = self._through or Through.of(facts.read())
        return script.script(hours, through.urgent, through.platform, datetime.datetime.now().astimezone().year)

    def _write(self, uid: str, hours: Hours) -> None:
        owner.replace(self._path(uid), self._script(hours), changed=time.time() + SETTLED_SECONDS)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two that write the same file do so one after the other."""
        with owner.as_owner(self.root):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                locks.take(handle, wait=True)
                yield
            finally:
                os.close(handle)


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def show_folders(uid: str, folders: Iterable[str] = (WAITING,), run: Callable[..., Any] = doveadm) -> None:
    """Make folders and subscribe to them, so that each program shows them. Raises MallepostError."""
    for folder in folders:
        run("mailbox", "create", "-u", checked(uid), "-s", "--", folder, also=(THERE, CLOSED), timeout=60.0)
