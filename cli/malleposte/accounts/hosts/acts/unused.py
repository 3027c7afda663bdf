"""Accounts that nobody has used yet, many at a time: what a host holds of them, and its removal."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.hosts.acts.contents import ONCE_ALL_ANSWER, collections, messages
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.table import EVERY_HOST, Replies, Uid, act, union
from malleposte.adapters.postgresql import quoted
from malleposte.adapters.sogo import accounts as sogo_accounts
from malleposte.deliveries import ask as deliveries
from malleposte.platform import mailstore
from malleposte.runtime import owner
from malleposte.throttle.record import ask

MOST = 400
"""Accounts of one question: their names fit a request (wire.LONGEST)."""
Uids = tuple[Uid, ...]
_ROUNDCUBE = "SELECT username FROM users WHERE username IN ({uids});"


def together(replies: Replies[list[str]]) -> list[str]:
    """Return what any host has, each once; the first host that fails is named."""
    return sorted({one for answer in replies for one in answer})


@act(on=EVERY_HOST, merge=together)
def used(host: LocalHost, uids: Uids) -> list[str]:
    """Return those of some accounts that have mail, an agenda, contacts, settings of a webmail or a log-in here."""
    holders = {uid for uid in uids if _has_files(host, uid) or ask.of(uid, host.record_socket).logins}
    if "sogo" in host.rules.channels:
        holders |= sogo_accounts.owners(host.sogo_sql, uids)
    if "roundcube" in host.rules.channels:
        holders |= set(host.roundcube_sql(_ROUNDCUBE.format(uids=_listed(uids))).split())
    return sorted(holders)


@act(on=ONCE_ALL_ANSWER, merge=union, label="stores")
def clear(host: LocalHost, uids: Uids) -> list[str]:
    """Remove what is left here of accounts that were never used; return those that were, which are not touched."""
    in_use = set(used.function(host, uids))
    empty = [uid for uid in uids if uid not in in_use]
    for uid in empty:
        for path in (host.home(uid), *collections(host, uid)):
            with owner.as_owner(path):
                if owner.folder(path):
                    shutil.rmtree(path)
        ask.erase(uid, host.record_socket)
    if empty:
        deliveries.erase(empty, host.deliveries_socket)
    if empty and "sogo" in host.rules.channels:
        sogo_accounts.erase(host.sogo_sql, *empty)
    return sorted(in_use)


def _has_files(host: LocalHost, uid: str) -> bool:
    home = host.home(uid)
    with owner.as_owner(home):
        if not owner.folder(home):
            mail = False
        else:
            stores = (home / name for name in (mailstore.MAILDIR, mailstore.EXPUNGED, mailstore.SEALED))
            mail = any(True for store in stores for _message in messages(store))
    return mail or _items(collections(host, uid)[0])


def _items(root: Path) -> bool:
    with owner.as_owner(root):
        paths = itertools.chain.from_iterable(root.rglob(f"*{suffix}") for suffix in (".ics", ".vcf"))
        return owner.folder(root) and any(owner.plain(path) for path in paths)


def _listed(uids: Sequence[str]) -> str:
    return ", ".join(map(quoted, uids))
