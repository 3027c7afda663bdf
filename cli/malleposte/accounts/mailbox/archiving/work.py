"""Messages that are archived and put back, by doveadm, for one box.

The work of a night is written down before the first message moves. A move is a copy and a removal: where this host or
doveadm ended in between, a message lies in both folders, and one of them is removed first (`broken_moves`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.archiving.model import DONE, Choice, Moved, Record
from malleposte.accounts.mailbox.archiving.store import Store
from malleposte.accounts.mailbox.hours.broken_moves import mend
from malleposte.accounts.mailbox.hours.calendar import here
from malleposte.accounts.mailbox.hours.messages import INBOX, SECONDS, ClosedError, Row, Run, fetch, numbered
from malleposte.accounts.mailbox.hours.moves import recount
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import ARCHIVES

MOST = 1000
"""Messages of a box that a night archives, the oldest first; the next night goes on."""
THERE = 65
"""doveadm's code: a folder that is there."""


def archive(store: Store, uid: str, now: float, run: Run = doveadm) -> int:
    """Archive the messages of the agent's choice, and return their number. Raises MallepostError."""
    with store.alone(uid, wait=False) as alone, contextlib.suppress(ClosedError):
        if not alone:
            return 0  # the agent changes it: the next night goes on
        record = _settled(store, uid, store.read(uid).without_old(now), run)
        rows = _meant(uid, record.choice, now, run) if record.choice.months else []
        if not rows:
            return 0
        work = Moved(int(now), _by_folder(rows), open=True)
        store.write(uid, replace(record, moved=(*record.moved, work)))
        for folder, guids in work.folders.items():
            run("mailbox", "create", "-u", checked(uid), "-s", "--", folder, also=(THERE,), timeout=SECONDS)
            _move(uid, [row for row in rows if row["guid"] in set(guids)], INBOX, folder, run)
        recount(("-u", checked(uid)), run)
        store.write(uid, record.closed(work))
        return len(rows)
    return 0


def _meant(uid: str, choice: Choice, now: float, run: Run) -> list[Row]:
    """Messages of the inbox that came before, were read, and are neither marked nor about to go; the oldest first."""
    before = int(choice.before(here(now)).timestamp())
    words = ["BEFORE", str(before), "SEEN", "UNFLAGGED", "UNDELETED", *(("KEYWORD", DONE) if choice.done else ())]
    rows = fetch(uid, "uid guid date.received.unixtime", INBOX, *words, run=run)
    rows = [row for row in rows if int(row["date.received.unixtime"]) < before]
    return sorted(rows, key=lambda row: (int(row["date.received.unixtime"]), int(row["uid"])))[:MOST]


def _by_folder(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    folders: dict[str, list[str]] = {}
    for row in rows:
        year = here(int(row["date.received.unixtime"])).year
        folders.setdefault(f"{ARCHIVES}/{year}", []).append(row["guid"])
    return {folder: tuple(guids) for folder, guids in sorted(folders.items())}


def _settled(store: Store, uid: str, record: Record, run: Run) -> Record:
    """End work that was broken off: what lies in the archive has left the inbox, and nothing else was archived."""
    for work in (one for one in record.moved if one.open):
        folders = {}
        for folder, guids in work.folders.items():
            mend(uid, INBOX, folder, run, among=set(guids))
            there = {row["guid"] for row in fetch(uid, "guid", folder, run=run)}
            folders[folder] = tuple(guid for guid in guids if guid in there)
        recount(("-u", checked(uid)), run)
        record = record.closed(replace(work, folders=folders))
        store.write(uid, record)
    return record


def undo(store: Store, uid: str, at: int, run: Run = doveadm) -> int:
    """Put back what a night archived, where it still lies, and return the number. No more is archived then.

    Raises InputError, MallepostError.
    """
    with store.alone(uid):
        record = _settled(store, uid, store.read(uid).without_old(time.time()), run)
        work = next((one for one in record.moved if one.at == at), None)
        if work is None:
            raise InputError("there is no such work to undo", "it was undone, or its time is over")
        record = replace(record, choice=replace(record.choice, months=0))
        store.write(uid, record)
        many = 0
        for folder, guids in work.folders.items():
            mend(uid, folder, INBOX, run, among=set(guids))
            rows = [row for row in fetch(uid, "uid guid", folder, run=run) if row["guid"] in set(guids)]
            _move(uid, rows, folder, INBOX, run)
            many += len(rows)
        recount(("-u", checked(uid)), run)
        store.write(uid, record.undone(work))
        return many


def _move(uid: str, rows: Sequence[Row], source: str, target: str, run: Run) -> None:
    for numbers in numbered(rows):
        run("move", "-u", checked(uid), "--", target, "mailbox", source, "UID", numbers, timeout=SECONDS)
