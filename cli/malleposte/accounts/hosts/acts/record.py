"""The record of log-ins and refused mail on a host, and the operators' journal on the directory's host."""

from __future__ import annotations

from dataclasses import replace

from malleposte.accounts.channels import Failure, checked
from malleposte.accounts.hosts.local import TIMEOUT, LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import THIS_HOST, On, Replies, Uid, act, only
from malleposte.adapters import dovecot
from malleposte.throttle.record import ask
from malleposte.throttle.record.model import Kept

WITH_RECORDS = On(
    "the caller's host and those with store",
    lambda fleet, _uid: [host for host in fleet.hosts if not host.name or STORE in host.holds],
)


def together(replies: Replies[Kept]) -> tuple[Kept, list[Failure]]:
    """Return the records of all hosts as one, and the hosts that failed."""
    record_of_all, failures = Kept(), list[Failure]()
    for one in replies.noting(failures):
        record_of_all = record_of_all.also(one)
    return record_of_all, failures


@act(on=WITH_RECORDS, merge=together, accountd=True)
def record(host: LocalHost, uid: Uid) -> Kept:
    """Return the host's record of the account, and the room that its box takes if it is here."""
    record_here = ask.of(checked(uid), host.record_socket)
    if not host.home(uid).exists():
        return record_here
    used, quota = dovecot.room(uid, timeout=TIMEOUT)
    return replace(record_here, used_mb=used, quota_mb=quota)


@act(on=THIS_HOST, merge=only, accountd=True)
def journal(host: LocalHost, uid: Uid) -> list[list[str]]:
    """Return the operators' journal about an account: time, act in French words, by whom, reason of each line."""
    return host.journal(uid)
