"""All hosts of the platform that hold something of accounts: each act goes to those that hold the thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Channel, Failure, noted
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import AGENDAS, QUEUE, SESSIONS, SIGN_ON, STORE, Host, Piece, Removed
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.directory.model import first
from malleposte.directory.protocol import Branch, Directory
from malleposte.fleet.stores import store_of
from malleposte.throttle.record.model import Kept

NAMES = ("uid", "mail", "mailLocalAddress", "mpLoginAlias")
_BRANCHES: tuple[Branch, ...] = ("people", "functional")


def names(directory: Directory, uid: str) -> list[str]:
    """Every name that an account may be opened under; the uid alone of one that is no longer there."""
    found = list(directory.search("people", NAMES, {"uid": uid}))
    values = [value.lower() for entry in found for name in NAMES for value in entry.attributes.get(name, [])]
    return list(dict.fromkeys([uid, *values]))


class HostChannels:
    """The access channels of another host as one. See channels.Channel."""

    def __init__(self, host: Host, known: Callable[[str], Sequence[str]]) -> None:
        """`known` gives all names of an account."""
        self.host, self.known, self.name = host, known, host.name

    def close(self, uid: str) -> None:
        """See Channel."""
        _raise(self.host.close(uid, self.known(uid)))

    def forget(self, uid: str) -> None:
        """See Channel."""
        _raise(self.host.forget(uid, self.known(uid)))


class Hosts:
    """See acts.Hosts. What failed on another host is told with that host's name."""

    def __init__(self, directory: Directory, hosts: Sequence[Host]) -> None:
        """`hosts`: this one, and those that are reached from it."""
        self.directory, self.hosts = directory, tuple(hosts)

    def names(self, uid: str) -> list[str]:
        """Every name that an account may be opened under."""
        return names(self.directory, uid)

    def channels(self) -> list[Channel]:
        """Every access channel: each of this host, and each other host's together.

        The log-in page first: a webmail whose session ends asks it for another one at once.
        """
        made: list[Channel] = []
        for host in sorted(self.hosts, key=lambda host: SIGN_ON not in host.holds):
            if isinstance(host, LocalHost):
                made += host.channels(self.names)
            elif host.holds & SESSIONS:
                made.append(HostChannels(host, self.names))
        return made

    def store(self, uid: str) -> Host:
        """The host that holds an account's mailbox. Raises MallepostError."""
        stores = {host.name: host for host in self.hosts if STORE in host.holds}
        entries = (one for branch in _BRANCHES for one in self.directory.search(branch, ["mailHost"], {"uid": uid}))
        held = next(entries, None)
        try:
            return stores[store_of(first(held.attributes, "mailHost") if held else "", list(stores))]
        except MallepostError as error:
            raise MallepostError(f"{uid}: {error.message}", error.hint) from error

    def _holding(self, *kinds: str) -> list[Host]:
        return [host for host in self.hosts if host.holds & set(kinds)]

    def cut(self, uid: str, device: str) -> list[Failure]:
        """See devices.acts.Hosts."""
        failures: list[Failure] = []
        known = self.names(uid)
        for host in self._holding("dovecot"):
            with noted(failures, "dovecot", host.name):
                host.cut(uid, device, known)
        return failures

    def queue(self, act: str, uid: str) -> tuple[list[Waiting], list[Failure]]:
        """The account's mail in every queue (`show`, `hold`, `release`, `delete`), and the hosts where that failed."""
        found: list[Waiting] = []
        failures: list[Failure] = []
        for host in self._holding(QUEUE):
            with noted(failures, "queue", host.name):
                found += host.queue(act, uid, self.names(uid))
        return found, failures

    def hold(self, uid: str) -> tuple[list[str], list[Failure]]:
        """See acts.Hosts."""
        found, failures = self.queue("hold", uid)
        return [one.ident for one in found], failures

    def carry(self, uid: str, profile: str) -> str:
        """See acts.Hosts."""
        return _at(self.store(uid), lambda host: host.carry(uid, profile))

    def look(self, uid: str) -> Filters:
        """The account's filters, without their texts."""
        return _at(self.store(uid), lambda host: host.look(uid))

    def traces(self, uid: str) -> tuple[list[Trace], list[Failure]]:
        """The traces on every host that may hold some, each once, and the hosts that did not answer."""
        found, failures = list[Trace](), list[Failure]()
        for host in self._trails():
            with noted(failures, "traces", host.name):
                found += host.traces(uid)
        return list(dict.fromkeys(found)), failures

    def untrace(self, uid: str, trace: Trace) -> list[Failure]:
        """Remove one wherever it is; the hosts where that failed."""
        failures, known = list[Failure](), self.names(uid)
        for host in self._trails():
            with noted(failures, "traces", host.name):
                host.untrace(uid, trace, known)
        return failures

    def _trails(self) -> list[Host]:
        return self._holding(STORE, "sogo")

    def factors(self, uid: str) -> list[Factor]:
        """The second factors, of every host that has a log-in page."""
        found = {one.ident: one for host in self._pages() for one in _at(host, lambda each: each.factors(uid))}
        return list(found.values())

    def enrolled(self) -> Mapping[str, Sequence[str]] | None:
        """See acts.AllHosts."""
        pages = self._pages()
        found: dict[str, set[str]] = {}
        for host in pages:
            for uid, kinds in _at(host, lambda each: each.enrolled()).items():
                found.setdefault(uid, set()).update(kinds)
        return {uid: sorted(kinds) for uid, kinds in found.items()} if pages else None

    def unfactor(self, uid: str, ident: str) -> Factor:
        """Remove one of them wherever it is kept; it. Raises InputError where no host has it."""
        gone = None
        for host in self._pages():
            if any(one.ident == ident for one in _at(host, lambda each: each.factors(uid))):
                gone = _at(host, lambda each: each.unfactor(uid, ident))
        if gone is None:
            raise InputError(f"{uid} has no factor {ident}")
        return gone

    def log_ins(self, uid: str) -> list[Session]:
        """Log-ins and trusted browsers, of every host that has a log-in page; the latest first."""
        found = [one for host in self._pages() for one in _at(host, lambda each: each.log_ins(uid))]
        return sorted(found, key=lambda one: one.since.timestamp() if one.since else 0, reverse=True)

    def end_log_in(self, uid: str, ident: str) -> tuple[str, ...] | None:
        """End one of them wherever it is kept; the services that were not told, None where no host had it."""
        for host in self._pages():
            untold = _at(host, lambda each: each.end_log_in(uid, ident))
            if untold is not None:
                return untold
        return None

    def _pages(self) -> list[Host]:
        return [host for host in self.hosts if SIGN_ON in host.holds]

    def drop(self, uid: str) -> bool:
        """Forget filters that were carried; whether there were any."""
        return _at(self.store(uid), lambda host: host.drop(uid))

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        """Messages that the agent deleted for good and that are kept for a while."""
        return _at(self.store(uid), lambda host: host.deleted(uid, wanted))

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        """Bring such messages back; how many came to each folder."""
        return _at(self.store(uid), lambda host: host.undelete(uid, idents))

    def senders(self, uid: str) -> Senders:
        """The level of antispam, allowed and blocked senders."""
        return _at(self.store(uid), lambda host: host.senders(uid))

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        """Change them; all of them."""
        return _at(self.store(uid), lambda host: host.set_senders(uid, edit))

    def settle(self, uid: str, profile: str) -> Moved:
        """See acts.Hosts."""
        return _at(self._agendas(), lambda host: host.settle(uid, profile))

    def holders(self) -> Mapping[str, Sequence[str]]:
        """Return the accounts that have something in each store of agendas."""
        return _at(self._agendas(), lambda host: host.holders())

    def _agendas(self) -> Host:
        found = self._holding(*AGENDAS)
        if not found:
            raise MallepostError("no host holds agendas", "deploy the hosts of the group web, then the directory's")
        return found[0]

    def record(self, uid: str) -> tuple[Kept, list[Failure]]:
        """The records of this host and of every mail host together, and the hosts where that failed."""
        found, failures = Kept(), list[Failure]()
        for host in self.hosts:
            if not host.name or STORE in host.holds:
                with noted(failures, "record", host.name):
                    found = found.also(host.record(uid))
        return found, failures

    def files(self, uid: str) -> Iterator[Piece]:
        """All that is held about the account on any host, one file at a time; and what could not be read."""
        for host in self.hosts:
            failures: list[str] = []
            with named(failures.append):
                for piece in host.files(uid):
                    yield _named(host, piece) if isinstance(piece, str) else piece
            yield from (_named(host, one) for one in failures)

    def empty(self, uid: str) -> Removed:
        """Remove what any host holds; nothing where one of them does not answer, since its part would stay."""
        self.demand()
        removed = Removed()
        for host in self.hosts:
            failures: list[str] = []
            with named(failures.append):
                one = host.empty(uid)
                removed.stores += [_named(host, store) for store in one.stores]
                failures += one.failures
            removed.failures += [_named(host, failure) for failure in failures]
        return removed

    def demand(self) -> None:
        """Raises MallepostError, which names the host, unless every host answers."""
        for host in self.hosts:
            _at(host, lambda one: one.ping())

    def relist(self) -> list[Failure]:
        """Have the lists of shared boxes renewed on every store; the hosts where that failed."""
        failures: list[Failure] = []
        for host in self._holding(STORE):
            with noted(failures, "shared boxes", host.name):
                host.relist()
        return failures


def _at[T](host: Host, act: Callable[[Host], T]) -> T:
    try:
        return act(host)
    except (MallepostError, OSError) as error:
        if not host.name:
            raise
        raise MallepostError(told(host, error), getattr(error, "hint", None)) from error


def _named(host: Host, text: str) -> str:
    return f"on {host.name}: {text}" if host.name else text


def told(host: Host, error: MallepostError | OSError) -> str:
    """Return the failure in a line, with the host's name where it is another one."""
    return _named(host, str(error))


def _raise(failures: Sequence[Failure]) -> None:
    if failures:
        raise MallepostError("; ".join(map(str, failures)))
