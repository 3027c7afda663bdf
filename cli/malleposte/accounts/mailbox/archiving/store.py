"""The choices of agents and the work of nights, on the host of their mailboxes: one file of the store an agent.

For root, as the owner of the store (`owner`). Who chose nothing has no file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.archiving import model
from malleposte.accounts.mailbox.archiving.model import Record
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import locks
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import ARCHIVING, STORE
from malleposte.runtime import owner

SUFFIX = ".json"
LOCK = ".lock"


class Store:
    """The files of all agents of a store."""

    def __init__(self, root: Path = STORE) -> None:
        self.root, self.folder = root, root / ARCHIVING

    def read(self, uid: str) -> Record:
        """Return what is kept of an agent. Raises MallepostError."""
        path = self._path(uid, SUFFIX)
        with owner.as_owner(self.folder):
            if not owner.plain(path):
                return Record()
        try:
            return model.loaded(owner.read(path).decode("utf-8", "replace"))
        except InputError as error:
            raise MallepostError(f"{path}: {error.message}", "choose the archiving again") from error

    def write(self, uid: str, record: Record) -> None:
        """Replace it."""
        owner.replace(self._path(uid, SUFFIX), model.dumped(record))

    def forget(self, uid: str) -> bool:
        """Remove it, at the end of an account; whether there was any."""
        with owner.as_owner(self.folder):
            there = owner.plain(self._path(uid, SUFFIX))
            for suffix in (SUFFIX, LOCK):
                self._path(uid, suffix).unlink(missing_ok=True)
            return there

    def uids(self) -> list[str]:
        """The agents of whom something is kept."""
        with owner.as_owner(self.folder):
            names = [path.stem for path in self.folder.glob(f"*{SUFFIX}")] if owner.folder(self.folder) else []
        return sorted(name for name in names if is_uid(name))

    @contextlib.contextmanager
    def alone(self, uid: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold an agent's lock inside the block; False where another holds it and this does not wait."""
        with owner.as_owner(self.root):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(self._path(uid, LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            yield locks.take(handle, wait=wait)
        finally:
            os.close(handle)

    def _path(self, uid: str, suffix: str) -> Path:
        return self.folder / f"{checked(uid)}{suffix}"
