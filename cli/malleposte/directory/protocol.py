"""The interface of a directory for the rest of the program."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from malleposte.directory.control import PolicyState
from malleposte.directory.model import Attributes
from malleposte.directory.query import Query

Branch = Literal["people", "functional", "resources", "lists", "establishments", "tombstones", "devices"]


@dataclass(frozen=True)
class Entry:
    """An entry as it was read: only the attributes that were asked for."""

    dn: str
    attributes: Attributes


@dataclass(frozen=True)
class BindResult:
    """The answer to a log-in: whether it succeeds, and what the policy says of the password."""

    ok: bool
    policy: PolicyState = field(default_factory=PolicyState)


@dataclass(frozen=True)
class Answer:
    """The result for one entry of many: the LDAP result code (0: done) and slapd's own message."""

    dn: str
    code: int = 0
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether the entry was made."""
        return self.code == 0


class Directory(Protocol):
    """A directory under one suffix. Every method may raise DirectoryError; changes raise Refused and its kinds."""

    suffix: str

    def search(
        self, branch: Branch, attributes: Sequence[str], where: Mapping[str, str] | Query | None = None
    ) -> Iterator[Entry]:
        """Entries of a branch, a page at a time: of a query, or in which each attribute of `where` has that value."""

    def add(self, dn: str, attributes: Attributes) -> None:
        """Make an entry. Raises AlreadyThere."""

    def add_many(self, entries: Iterable[tuple[str, Attributes]]) -> Iterator[Answer]:
        """Make many entries with a bounded number under way; what became of each, in no fixed order."""

    def modify(self, dn: str, changes: Mapping[str, Sequence[str]]) -> None:
        """Replace the values of attributes; an empty list removes one. All or nothing. Raises NotThere."""

    def delete(self, dn: str) -> None:
        """Remove an entry. Raises NotThere."""

    def set_password(self, dn: str, password: str, changes: Mapping[str, Sequence[str]]) -> None:
        """Set a password that the policy judges, with other changes as `modify` takes them; all or nothing.

        For `accounts.passwords` alone. Raises PasswordRefused, NotThere.
        """

    def log_in(self, dn: str, password: str) -> BindResult:
        """Prove a password by a bind of its own; never raises Refused for a wrong one."""
