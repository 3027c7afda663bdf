"""The choices of agents on « À envoyer » on the host of their mailboxes, a file each. For root, as the store's user."""

from __future__ import annotations

from pathlib import Path

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.later.model import Choice, loaded
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.mailstore import LATER, STORE
from malleposte.runtime import owner


def by_default() -> bool:
    """Whether agents who chose nothing may send later, by this host's facts."""
    return bool(facts.read().get("send_later", False))


class Store:
    """The choices of all agents of a store."""

    def __init__(self, root: Path = STORE, default: bool = False) -> None:
        """`default` holds for those who chose nothing."""
        self.root, self.folder, self.default = root, root / LATER, default

    def read(self, uid: str) -> Choice:
        """The choice of an agent. Raises MallepostError."""
        path = self._path(uid)
        with owner.as_owner(self.root):
            if not owner.plain(path):
                return Choice(on=self.default)
            try:
                return loaded(owner.read(path))
            except InputError as error:
                raise MallepostError(f"{path}: {error.message}", "choose again") from error

    def write(self, uid: str, choice: Choice) -> None:
        """Keep a choice. Raises OSError."""
        text = msgspec.json.encode(choice).decode()
        with owner.as_owner(self.root):
            self.folder.mkdir(mode=0o700, exist_ok=True)
        owner.replace(self._path(uid), f"{text}\n")

    def forget(self, uid: str) -> bool:
        """Remove it, at the end of an account; whether there was one."""
        path = self._path(uid)
        with owner.as_owner(self.root):
            there = path.exists(follow_symlinks=False)
            path.unlink(missing_ok=True)
            return there

    def _path(self, uid: str) -> Path:
        return self.folder / f"{checked(uid)}.json"
