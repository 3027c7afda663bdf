"""The program that writes down that a delegate changed labels of a message in a functional box.

Usage: owner-order SPOOL UID BOX/FOLDER CHANGED TAKEN DONE ANSWERED < message

Dovecot runs it by the delegate's Sieve script (`script`), as the user of the store. The last three are the flags that
the message bears, or `-`. `malleposte-owners.service` (`keeper`) takes the order.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.mailbox.later import letter, spool
from malleposte.accounts.mailbox.owners.model import ANSWERED, DONE, TAKEN, Order, own_label
from malleposte.core.errors import MallepostError
from malleposte.platform.identity import is_uid

WORDS = 7
LARGEST = 1_000_000
"""Bytes of a message that are read: its header."""
MOST = 300
"""Orders of an agent that wait to be taken."""
LONGEST_FOLDER = 400
MOST_CHANGED = 20


def order(uid: str, place: str, changed: str, flags: Sequence[str], head: bytes, now: float) -> Order | None:
    """The order that changed flags give; None where they give none. Raises MallepostError."""
    box, _slash, folder = place.partition("/")
    labels = tuple(dict.fromkeys(one for one in changed.split() if one == ANSWERED or own_label(one)))[:MOST_CHANGED]
    fields, _body = letter.split(head)
    message_id = letter.ident(fields)
    if not labels or not message_id or not is_uid(box) or len(folder) > LONGEST_FOLDER:
        return None
    bears = tuple(one for one in (TAKEN, DONE, ANSWERED) if one in flags)
    return Order(uid, box, folder or "INBOX", message_id, labels, bears, now)


def write(place: Path, one: Order) -> bool:
    """Write it down; whether there was room for it."""
    return spool.write(place, one, MOST)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != WORDS:
        print("usage: owner-order SPOOL UID BOX/FOLDER CHANGED TAKEN DONE ANSWERED < message", file=sys.stderr)
        return 2
    place, uid = Path(words[0]), words[1]
    if not is_uid(uid):
        print(f"owner-order: no account is called {uid[:40]!r}", file=sys.stderr)
        return 2
    raw = sys.stdin.buffer.read(LARGEST)
    while sys.stdin.buffer.read(LARGEST):
        pass
    try:
        new_order = order(uid, words[2], words[3], words[4:], raw, time.time())
        if new_order and not write(place, new_order):
            print(f"owner-order: {uid}: more than {MOST} labels at once; the next look takes it off", file=sys.stderr)
    except (MallepostError, OSError) as error:
        print(f"owner-order: {uid}: the label counts for nothing: {error}", file=sys.stderr)
        return 1
    return 0
