"""The program that writes an order down, as the owner of a box lays a message into « À envoyer ».

Usage: later-order STORE SPOOL DEFAULT UID FOLDER < message

Dovecot runs it by a Sieve script, as the user of the store, after an APPEND or a COPY over IMAP by the box's own
agent: nothing else gives an order. What it writes is taken by `malleposte-later.service` (`sender`). `DEFAULT` (on or
off) holds for agents who chose nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.mailbox.later import files, letter, moments, spool, store
from malleposte.accounts.mailbox.later.model import MOST, Order
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.identity import is_uid


def order(root: Path, uid: str, folder: str, raw: bytes, now: float) -> Order | None:
    """The order that the message gives; None where it gives none. Raises InputError, MallepostError, OSError."""
    fields, _body = letter.split(raw)
    field = next(letter.values(fields, moments.FIELD), "")
    due = moments.due(folder, now, field)
    if due is None:
        return None
    digest = letter.digest(raw)
    for name, path in files.newest(files.names(uid, folder, root)):
        if letter.digest(files.read(path)) == digest:
            return Order(uid, folder, name, digest, letter.ident(fields), letter.subject(fields), now, due)
    raise MallepostError(f"{uid}: {folder}: the message is not there")


def write(place: Path, one: Order) -> None:
    """Write it down. Raises MallepostError where too many of the account wait to be taken."""
    if not spool.write(place, one, MOST):
        raise MallepostError(f"{one.uid}: more than {MOST} orders wait to be taken")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 5:
        print("usage: later-order STORE SPOOL DEFAULT UID FOLDER < message", file=sys.stderr)
        return 2
    root, place, default, uid, folder = Path(words[0]), Path(words[1]), words[2] == "on", words[3].lower(), words[4]
    if not is_uid(uid):
        print(f"later-order: no account is called {uid[:40]!r}", file=sys.stderr)
        return 2
    raw = sys.stdin.buffer.read(files.LARGEST + 1)
    try:
        new_order = order(root, uid, folder, raw, time.time()) if store.Store(root, default).read(uid).on else None
        if new_order:
            write(place, new_order)
    except (InputError, MallepostError, OSError) as error:
        print(f"later-order: {uid}: {folder}: the message does not go: {error}", file=sys.stderr)
        return 1
    return 0
