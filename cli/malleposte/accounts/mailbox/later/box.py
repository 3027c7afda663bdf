"""« À envoyer » of one agent, for root on the host of the mailbox: what waits, the choice, what its owner decides."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from malleposte.accounts import facts
from malleposte.accounts.mailbox.hours.store import show_folders
from malleposte.accounts.mailbox.later import files, ledger, moments, store
from malleposte.accounts.mailbox.later.model import Choice, Reason, Row, Shown, State, Waiting
from malleposte.accounts.mailbox.later.store import Store
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import STORE
from malleposte.platform.times import iso_here

MOST = 100
"""Messages that are shown."""
UNDECIDED = (State.ORDERED, State.WAITS)


def shown(uid: str, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE) -> Shown:
    """Return the choice and the messages. Raises MallepostError."""
    return Shown(Store(root, store.by_default()).read(uid), _messages(uid, root, path))


def _messages(uid: str, root: Path, path: Path) -> tuple[Waiting, ...]:
    rows = {(row.folder, row.file): row for row in _open(uid, path)}
    messages: list[Waiting] = []
    for folder in moments.FOLDERS:
        for name, file in sorted(files.names(uid, folder, root).items()):
            if len(messages) == MOST:
                break
            row = rows.get((folder, name))
            if not row:
                messages.append(Waiting(folder, files.subject(file)))
            elif row.state != State.SENT:
                messages.append(Waiting(folder, row.subject, row.id, row.due, str(row.reason), row.detail))
    return tuple(messages)


def count(uid: str, root: Path = STORE) -> int:
    """Return how many messages lie in « À envoyer »."""
    return sum(len(files.names(uid, folder, root)) for folder in moments.FOLDERS)


def own_terms(uid: str, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE) -> dict[str, Any]:
    """Return the choice and what waits in the agent's own terms, for a copy of the own data; nothing where none is."""
    choice, messages = Store(root).read(uid), _messages(uid, root, path)
    if choice == Choice() and not messages:
        return {}
    return {
        "en service": choice.on,
        "messages à envoyer": [
            {"dossier": one.folder, "objet": one.subject, "envoi prévu": iso_here(one.due, "minutes")}
            for one in messages
        ],
    }


def choose(uid: str, choice: Choice, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE) -> Shown:
    """Keep a choice: the folders are made, or what is ordered waits. Raises InputError, MallepostError."""
    Store(root, store.by_default()).write(uid, choice)
    if choice.on:
        show_folders(uid, moments.FOLDERS)
    elif path.exists():
        with ledger.opened(path) as orders:
            orders.off(uid, time.time())
    return shown(uid, root, path)


def decide(
    uid: str, ident: str, *, send: bool, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE,
    move: Callable[..., None] = files.move,
) -> Shown:  # fmt: skip
    """Send a message now, or not at all: then it lies in « Brouillons ». Raises InputError, MallepostError."""
    now = time.time()
    with ledger.opened(path) as orders:
        row = orders.get(uid, ident)
        if not row or row.state not in UNDECIDED:
            raise InputError("there is no such message any more")
        if send:
            again = {"message_id": _fresh(row)} if row.reason == Reason.AGAIN else {}
            done = orders.change(
                ident, now, of=UNDECIDED, state=State.ORDERED, reason=Reason.NONE, detail="", forced=True, due=now,
                again=now, **again,
            )  # fmt: skip
        else:
            done = orders.change(ident, now, of=UNDECIDED, state=State.CANCELLED)
    if not done:
        raise InputError("there is no such message any more")
    if not send:
        move(uid, row.folder, row.file, files.DRAFTS, seen=False, root=root)
    return shown(uid, root, path)


def forget(uid: str, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE) -> bool:
    """Remove the choice and the orders of an account that ends; whether there were any."""
    there = Store(root).forget(uid)
    if not path.exists():
        return there
    with ledger.opened(path) as orders:
        return orders.erase(uid) or there


def _fresh(row: Row) -> str:
    """A Message-ID that nobody had: the one of before would look like the first message."""
    return f"<later.{row.id}.{secrets.token_hex(4)}@{facts.read()['domain']}>"


def _open(uid: str, path: Path) -> list[Row]:
    if not path.exists():
        return []
    with ledger.opened(path) as orders:
        return orders.open(uid)
