"""The files of a box whose mail has owners: its settings, and one for each message of which something is known.

For root, as the store's user. They lie in the store, outside the box's folders of mail: no mail program reaches them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.owners.model import Record, Settings
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import locks
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import OWNERS, STORE
from malleposte.runtime import owner

BOX = "box"
KEY = re.compile(r"[0-9a-f]{40}")
SUFFIX = ".json"
SCRIPTS = ".scripts"
"""The folder of the delegates' Sieve scripts."""


class Store:
    """The boxes of a store whose mail has owners."""

    def __init__(self, root: Path = STORE) -> None:
        self.root, self.folder = root, root / OWNERS

    def boxes(self) -> list[str]:
        """The uids of the boxes. Raises OSError."""
        with owner.as_owner(self.root):
            there = self.folder.iterdir() if owner.folder(self.folder) else ()
            return sorted(path.name for path in there if is_uid(path.name) and owner.plain(path / f"{BOX}{SUFFIX}"))

    def settings(self, box: str) -> Settings | None:
        """The settings of a box; None where its mail has no owners. Raises MallepostError."""
        return self._read(self._path(box, BOX), Settings)

    def set_settings(self, box: str, settings: Settings | None) -> None:
        """Begin with a box, or end: what is known of its messages stays for the day on which it begins again."""
        path = self._path(box, BOX)
        if settings is None:
            with owner.as_owner(self.root):
                path.unlink(missing_ok=True)
        else:
            owner.replace(path, _text(settings))

    def read(self, box: str, key: str) -> Record:
        """The state of a message; an empty one where nothing is known. Raises MallepostError."""
        return self._read(self._path(box, key), Record) or Record()

    def write(self, box: str, key: str, record: Record) -> None:
        """Keep the state of a message; nothing of one that says nothing."""
        path = self._path(box, key)
        if record.empty:
            with owner.as_owner(self.root):
                path.unlink(missing_ok=True)
        else:
            owner.replace(path, _text(record))

    def keys(self, box: str) -> list[str]:
        """The keys of the messages of which something is known. Raises OSError."""
        place = self.folder / checked(box)
        with owner.as_owner(self.root):
            names = [path.name for path in place.iterdir()] if owner.folder(place) else []
        return sorted(stem for name in names if KEY.fullmatch(stem := name.removesuffix(SUFFIX)))

    def forget(self, box: str) -> bool:
        """Remove all of a box, or the script of an agent, at the end of the account; whether there was anything."""
        place = self.folder / checked(box)
        script = self.folder / SCRIPTS / f"{box}.sieve"
        with owner.as_owner(self.root):
            there = owner.folder(place) or script.exists(follow_symlinks=False)
            if owner.folder(place):
                shutil.rmtree(place)
            for one in (script, script.with_suffix(".svbin")):
                one.unlink(missing_ok=True)
        return there

    @contextlib.contextmanager
    def alone(self, box: str) -> Iterator[None]:
        """Around what changes a box: one after the other."""
        place = self.folder / checked(box)
        with owner.as_owner(self.root):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            place.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            locks.take(handle, wait=True)
            yield
        finally:
            os.close(handle)

    def _path(self, box: str, name: str) -> Path:
        if name != BOX and not KEY.fullmatch(name):
            raise InputError(f"{name[:60]!r} is no message's key", "look at the page again")
        return self.folder / checked(box) / f"{name}{SUFFIX}"

    def _read[T](self, path: Path, kind: type[T]) -> T | None:
        with owner.as_owner(self.root):
            if not owner.plain(path):
                return None
        try:
            return msgspec.json.decode(owner.read(path), type=kind)
        except msgspec.MsgspecError as error:
            raise MallepostError(f"{path}: {error}", "restore the file, or remove it") from error


def _text(document: Record | Settings) -> str:
    return f"{msgspec.json.encode(document).decode()}\n"
