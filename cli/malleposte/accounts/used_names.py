"""Names in use or used before, looked up in the directory one by one: for one account, not for a feed."""

from __future__ import annotations

from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import AnyOf, Equal

BRANCHES: tuple[Branch, ...] = ("people", "functional", "resources", "lists", "tombstones")
NAMES = ("uid", "mpLoginAlias", "mail", "mailLocalAddress")


class UsedNames:
    """A container of every log-in and address that was ever given."""

    def __init__(self, directory: Directory) -> None:
        """Nothing is read yet."""
        self.directory = directory

    def __contains__(self, name: object) -> bool:
        """Whether an entry, or a tombstone, bears it."""
        query = AnyOf(tuple(Equal(key, str(name).lower()) for key in NAMES))
        return any(True for branch in BRANCHES for _entry in self.directory.search(branch, ["uid"], query))
