"""Sessions of an account at the services of a host, and what these remember of it."""

from __future__ import annotations

from malleposte.accounts import channels
from malleposte.accounts.channels import Failure, checked, close_all, forget_all, noted
from malleposte.accounts.channels.dovecot import Dovecot
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import SESSIONS, SIGN_ON
from malleposte.accounts.hosts.table import Names, On, Replies, Uid, act, failed, holding
from malleposte.core.errors import InputError
from malleposte.policy.devices import is_identifier

LOG_IN_PAGE_FIRST = On(
    "those with sessions, the log-in page first",
    lambda fleet, _uid: sorted(
        (host for host in fleet.hosts if host.holds & SESSIONS), key=lambda host: SIGN_ON not in host.holds
    ),
)
"""A webmail whose session ends asks the log-in page for another one at once."""


def by_channel(replies: Replies[list[Failure]]) -> list[Failure]:
    """Return the channels that failed: those of this host, and another host as one channel."""
    failures = list[Failure]()
    for host, call in replies.calls:
        with noted(failures, host or "sessions"):
            channels = call()
            failures += [Failure(host, "; ".join(map(str, channels)))] if host and channels else channels
    return failures


@act(on=LOG_IN_PAGE_FIRST, merge=by_channel, accountd=True)
def close(host: LocalHost, uid: Uid, names: Names = ()) -> list[Failure]:
    """End sessions and forget what is remembered; return the channels that failed."""
    return close_all(host.channels(lambda _uid: names), uid)


@act(on=LOG_IN_PAGE_FIRST, merge=by_channel)
def close_many(host: LocalHost, accounts: dict[Uid, Names]) -> list[Failure]:
    """Close the channels on many accounts, each with all its names; return the channels that failed."""
    return channels.close_many(host.channels(lambda uid: accounts[uid]), list(accounts))


@act(on=LOG_IN_PAGE_FIRST, merge=by_channel, accountd=True)
def forget(host: LocalHost, uid: Uid, names: Names = ()) -> list[Failure]:
    """Forget what is remembered; return the channels that failed."""
    return forget_all(host.channels(lambda _uid: names), uid)


@act(on=holding("dovecot"), merge=failed, label="dovecot", accountd=True)
def cut(host: LocalHost, uid: Uid, device: str, names: Names = ()) -> None:
    """Forget what Dovecot remembers of the account, and cut the connections of one of its devices."""
    if not is_identifier(device):
        raise InputError(f"{device!r} is no device")
    for channel in host.channels(lambda _uid: names):
        if isinstance(channel, Dovecot):
            channel.cut(checked(uid), device)
