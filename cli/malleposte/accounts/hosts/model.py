"""Things of an account that a host holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SIGN_ON, PORTAL = "sso", "portal"
SESSIONS = frozenset((SIGN_ON, PORTAL, "dovecot", "sogo", "roundcube"))
AGENDAS = frozenset(("sogo", "roundcube", "radicale"))
STORE, QUEUE = "store", "queue"
KINDS = SESSIONS | AGENDAS | {STORE, QUEUE}
"""The kinds of things: mailboxes, Postfix's queue, sessions and agendas of these services."""


@dataclass(frozen=True)
class File:
    """A file of an export; `kind` is what the report counts, `when` a Unix time or 0."""

    name: str
    content: bytes = field(repr=False)
    kind: str
    when: float = 0.0


Piece = File | str
"""A file, or what could not be read and why."""
Source = Callable[[str], Iterator[Piece]]
"""uid -> all that is held about it."""
Sql = Callable[[str, str], str]
"""(database, statements) -> what they print."""
ReadJournal = Callable[[str], list[list[str]]]
"""uid -> time, act in French words, by whom, reason of each line of the operators' journal about it."""


@dataclass
class Removed:
    """The parts of an account that were removed, and those that could not be."""

    stores: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
