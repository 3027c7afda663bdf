"""Things of an account that a host holds, and the acts on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.throttle.record.model import Kept

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


@dataclass
class Removed:
    """The parts of an account that were removed, and those that could not be."""

    stores: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Host(Protocol):
    """One host. Every act raises MallepostError or OSError when it cannot be done; `names` are all the account's."""

    name: str

    @property
    def holds(self) -> frozenset[str]:
        """Those of KINDS that it holds."""

    def close(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """End sessions, forget what is remembered; the channels that failed."""

    def forget(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """Forget what is remembered; the channels that failed."""

    def cut(self, uid: str, device: str, names: Sequence[str]) -> None:
        """Forget what Dovecot remembers of the account, and cut the connections of one of its devices."""

    def queue(self, act: str, uid: str, names: Sequence[str]) -> list[Waiting]:
        """The account's mail in the queue: `show` all, `hold`, `release` or `delete` what is concerned."""

    def carry(self, uid: str, profile: str) -> str:
        """Keep the filters in force after a change of class; the script carried, empty for none."""

    def look(self, uid: str) -> Filters:
        """The filters, without their texts."""

    def traces(self, uid: str) -> list[Trace]:
        """Settings that somebody else may have left: forwards, filters, shares."""

    def untrace(self, uid: str, trace: Trace, names: Sequence[str]) -> None:
        """Remove one; nothing where this host has it not."""

    def factors(self, uid: str) -> list[Factor]:
        """The second factors that the log-in page keeps here."""

    def enrolled(self) -> Mapping[str, Sequence[str]]:
        """Kinds of factors that the log-in page keeps here, by the uid of each agent who has one."""

    def unfactor(self, uid: str, ident: str) -> Factor:
        """Remove one of them; it. Raises InputError where there is none of that name."""

    def log_ins(self, uid: str) -> list[Session]:
        """Log-ins at the log-in page that are kept here, and browsers that are trusted."""

    def end_log_in(self, uid: str, ident: str) -> tuple[str, ...] | None:
        """End one of them; the services that were not told of it, None where it is none of this host's."""

    def drop(self, uid: str) -> bool:
        """Forget filters that were carried; whether there were any."""

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        """Messages that the agent deleted for good and that are kept for a while."""

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        """Bring such messages back; how many came to each folder."""

    def senders(self, uid: str) -> Senders:
        """The level of antispam, allowed and blocked senders."""

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        """Change them; all of them."""

    def settle(self, uid: str, profile: str) -> Moved:
        """Bring agendas and contacts to the stores of a class."""

    def holders(self) -> Mapping[str, Sequence[str]]:
        """Return the accounts that have something in each store of agendas."""

    def record(self, uid: str) -> Kept:
        """The host's record of log-ins and refused mail, and the room that the account's box takes if it is here."""

    def files(self, uid: str) -> Iterator[Piece]:
        """All that is held about the account."""

    def empty(self, uid: str) -> Removed:
        """Remove all that is held."""

    def ping(self) -> None:
        """Nothing, where the host answers."""

    def relist(self) -> None:
        """Have Dovecot's list of shared boxes renewed now."""
