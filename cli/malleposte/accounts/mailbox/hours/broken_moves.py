"""Moves between two folders of a box that were broken off, for root: each message is in one of the folders afterwards.

Dovecot (2.4.1, maildir) links the files of messages into the other folder, notes them there with their GUIDs, and then
removes those of the first folder. What it had noted is removed from the first folder. What it had linked and not noted
gets GUIDs of its own and no order as soon as anybody looks: it is known by its file (inode), removed from the other
folder, and moves anew. Where somebody has read or marked it there meanwhile, it stays, and the first goes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.hours.messages import INBOX, SECONDS, Row, Run, fetch, numbered
from malleposte.adapters.dovecot import doveadm
from malleposte.platform.mailstore import MAILDIR, STORE, home_of
from malleposte.runtime import owner

_FIELDS = "uid guid storageid flags"


def mend(
    uid: str, source: str, target: str, run: Run = doveadm, *, root: Path = STORE, among: Collection[str] | None = None
) -> None:
    """Have each message that was moved from one folder to another be in one of them; `among`: these GUIDs alone.

    Raises ClosedError, MallepostError.
    """
    first = [row for row in fetch(uid, _FIELDS, source, run=run) if among is None or row["guid"] in among]
    if not first:
        return
    second, guids = fetch(uid, _FIELDS, target, run=run), {row["guid"] for row in first}
    came = {row["guid"] for row in second}
    gone, again = [row for row in first if row["guid"] in came], list[Row]()
    for row, twin in _linked(uid, (source, first), (target, second), root):
        if row["guid"] in guids:
            continue
        if _marks(row) == _marks(twin):
            again.append(row)
        else:
            gone.append(twin)
    _expunge(uid, target, again, run)
    _expunge(uid, source, gone, run)


def _linked(
    uid: str, first: tuple[str, Sequence[Row]], second: tuple[str, Sequence[Row]], root: Path
) -> Iterator[tuple[Row, Row]]:
    """Yield the messages of the second folder whose file is one of the first folder, each with that of the first."""
    (source, before), (target, after) = first, second
    inodes, others = (_inodes(uid, folder, root) for folder in (source, target))
    by_inode = {inodes[row["storageid"]]: row for row in before if row["storageid"] in inodes}
    for row in after:
        twin = by_inode.get(others.get(row["storageid"], -1))
        if twin:
            yield row, twin


def _marks(row: Row) -> frozenset[str]:
    return frozenset(row["flags"].split()) - {"\\Recent"}


def _expunge(uid: str, folder: str, rows: Iterable[Row], run: Run) -> None:
    for numbers in numbered(rows):
        run("expunge", "-u", checked(uid), "--", "mailbox", folder, "UID", numbers, timeout=SECONDS)


def _inodes(uid: str, folder: str, root: Path) -> dict[str, int]:
    """Return the inodes of the files of a folder by their names without flags (Dovecot's `storageid`)."""
    place = home_of(uid, root) / MAILDIR
    if folder != INBOX:
        place /= f".{folder.replace('/', '.')}"
    with owner.as_owner(root):
        entries = [entry for part in ("new", "cur") for entry in _entries(place / part)]
    return {entry.name.partition(":")[0]: entry.inode() for entry in entries}


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return
