"""Settings that somebody else may have left in an account: forwards, filters, shares."""

from __future__ import annotations

from collections.abc import Mapping

from malleposte.accounts.hosts.acts.sessions import forget
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import Names, Uid, act, failed, holding, union
from malleposte.accounts.mailbox import filters, senders
from malleposte.accounts.mailbox.tools.box import Box as Tools
from malleposte.accounts.traces import folders, groupware, identities
from malleposte.accounts.traces.model import Kind, Trace

_COMMANDS: Mapping[str, tuple[str, ...]] = {
    Kind.FORWARD: ("redirect",), Kind.DISCARD: ("discard", "reject", "ereject"), Kind.ANSWER: ("vacation",),
}  # fmt: skip
"""The commands of Sieve that leave traces of each kind."""
PLACES = holding(STORE, "sogo")


@act(on=PLACES, merge=union, accountd=True)
def traces(host: LocalHost, uid: Uid) -> list[Trace]:
    """Return those on this host, and what others opened to the account here."""
    home, traces_here = host.home(uid), list[Trace]()
    if home.exists():
        script = filters.read(home)
        traces_here += [Trace(Kind.FORWARD, who=address) for address in script.forwards]
        traces_here += [Trace(Kind.DISCARD)] * (script.discards or script.refuses)
        traces_here += [Trace(Kind.ANSWER)] * script.absence
        traces_here += folders.find(home) + senders.traces(home)
    if STORE in host.holds:
        traces_here += folders.theirs(uid, host.rules.store) + Tools(host.rules.store).traces(uid)
    if "sogo" in host.rules.channels:
        traces_here += groupware.find(host.sogo_sql, uid) + groupware.theirs(host.sogo_sql, uid)
    if "roundcube" in host.rules.channels:
        traces_here += identities.find(host.roundcube_sql, uid)
    return list(dict.fromkeys(traces_here))


@act(on=PLACES, merge=failed, label="traces", accountd=True)
def untrace(host: LocalHost, uid: Uid, trace: Trace, names: Names = ()) -> None:
    """Remove one; nothing where this host has it not."""
    home = host.home(uid)
    if home.exists() and trace.kind in _COMMANDS:
        filters.remove(home, _COMMANDS[trace.kind], trace.who if trace.kind == Kind.FORWARD else None)
    elif home.exists() and trace.kind == Kind.FOLDER:
        folders.remove(home, trace)
    elif home.exists() and trace.kind == Kind.SENDERS:
        senders.empty(home, trace)
    elif STORE in host.holds and trace.kind == Kind.TOOL:
        Tools(host.rules.store).untrace(uid, trace)
    if "sogo" in host.rules.channels and trace.kind not in (Kind.FOLDER, Kind.SENDERS, Kind.TOOL):
        groupware.remove(host.sogo_sql, uid, trace)
        forget(host, uid, names)
    if "roundcube" in host.rules.channels and trace.kind in identities.COLUMNS:
        identities.remove(host.roundcube_sql, uid, trace)
