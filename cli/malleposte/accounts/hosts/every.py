"""All hosts of the platform that hold something of accounts: each act goes to those that it concerns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from malleposte.accounts.channels import Channel, demand_all
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.acts import sessions
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.methods import ForRoot
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import Act, Host, Names, Replies
from malleposte.core.errors import MallepostError
from malleposte.directory.model import first
from malleposte.directory.protocol import Branch, Directory
from malleposte.fleet.stores import store_of

NAMES = ("uid", "mail", "mailLocalAddress", "mpLoginAlias")
_BRANCHES: tuple[Branch, ...] = ("people", "functional")


def names(directory: Directory, uid: str) -> list[str]:
    """Return every name that an account may be opened under; the uid alone of one that is no longer there."""
    entries = list(directory.search("people", NAMES, {"uid": uid}))
    values = [value.lower() for entry in entries for name in NAMES for value in entry.attributes.get(name, [])]
    return list(dict.fromkeys([uid, *values]))


def _fitting(accounts: Mapping[str, Names]) -> Iterator[dict[str, Names]]:
    """Yield the accounts by so many that their names fit a request."""
    part, size = dict[str, Names](), 0
    for uid, own in accounts.items():
        more = sum(len(name) + 3 for name in (uid, *own))
        if part and size + more > wire.LONGEST // 2:
            yield part
            part, size = {}, 0
        part[uid] = own
        size += more
    if part:
        yield part


class HostChannels:
    """The access channels of another host as one. See channels.Channel."""

    def __init__(self, host: Host, names_of: Callable[[str], Sequence[str]]) -> None:
        """`names_of` gives all names of an account."""
        self.host, self.names_of, self.name = host, names_of, host.name

    def close(self, uid: str) -> None:
        """See Channel."""
        demand_all(self.host.ask(sessions.close, uid, tuple(self.names_of(uid))))

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        for accounts in _fitting({uid: tuple(self.names_of(uid)) for uid in uids}):
            demand_all(self.host.ask(sessions.close_many, accounts))

    def forget(self, uid: str) -> None:
        """See Channel."""
        demand_all(self.host.ask(sessions.forget, uid, tuple(self.names_of(uid))))


class Hosts(ForRoot):
    """All hosts, from this one. What failed on another host is told with that host's name."""

    def __init__(self, directory: Directory, hosts: Sequence[Host]) -> None:
        """`hosts`: this one, and those that are reached from it."""
        self.directory, self.hosts = directory, tuple(hosts)

    def names(self, uid: str) -> list[str]:
        """Return every name that an account may be opened under."""
        return names(self.directory, uid)

    def channels(self) -> list[Channel]:
        """Return every access channel: each of this host, and each other host's together.

        The log-in page first: a webmail whose session ends asks it for another one at once.
        """
        channels: list[Channel] = []
        for host in sessions.LOG_IN_PAGE_FIRST.choose(self, ""):
            if isinstance(host, LocalHost):
                channels += host.channels(self.names)
            else:
                channels.append(HostChannels(host, self.names))
        return channels

    def store(self, uid: str) -> Host:
        """Return the host that holds an account's mailbox. Raises MallepostError."""
        stores = {host.name: host for host in self.hosts if STORE in host.holds}
        entries = (one for branch in _BRANCHES for one in self.directory.search(branch, ["mailHost"], {"uid": uid}))
        entry = next(entries, None)
        try:
            return stores[store_of(first(entry.attributes, "mailHost") if entry else "", list(stores))]
        except MallepostError as error:
            raise MallepostError(f"{uid}: {error.message}", error.hint) from error

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> M:
        """See table.Platform."""
        arguments = act.bind(*args, **kwargs)
        uid = arguments.get("uid", "")
        if "names" in arguments:
            arguments["names"] = tuple(self.names(uid))
        hosts = act.on.choose(self, uid)
        calls = [(host.name, functools.partial(host.ask, act, **arguments)) for host in hosts]
        return act.merge(Replies(act.label, arguments, calls))
