"""The program that writes down that a message is to be told elsewhere, as its agent labels it or as it comes.

Usage: tool-order STORE SPOOL UID RULE… < message

Dovecot runs it by a Sieve script of the agent's, as the user of the store. It reads the agent's rules, and of the
message what they tell, and writes an order. `malleposte-tools.service` (`keeper`) takes it. A message without a
Message-ID is named by its digest.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.mailbox.later import letter, spool
from malleposte.accounts.mailbox.tools import fields, model
from malleposte.accounts.mailbox.tools.model import MOST, Order, Paused, Rule
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.identity import is_uid
from malleposte.runtime import durable

FULL = "full"
"""The folder of the spool with a file for each account that may give no order now."""
LARGEST = 60_000_000


def order(uid: str, rule: Rule, raw: bytes, now: float) -> Order:
    """The order that a message gives by a rule. Raises MallepostError."""
    head, _body = letter.split(raw)
    return Order(
        uid, rule.id, letter.ident(head) or f"<{letter.digest(raw)}@digest>", fields.title(head), fields.sender(head),
        fields.first_lines(raw) if rule.lines else "", now,
    )  # fmt: skip


def write(place: Path, one: Order) -> bool:
    """Write it down; whether there was room for it. Whoever fills the spool writes nothing until it is emptied."""
    if spool.write(place, one, MOST):
        return True
    durable.write(place / FULL / one.uid, b"", 0o600)
    return False


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) < 4 or len(words) > 3 + model.MOST_RULES:
        print("usage: tool-order STORE SPOOL UID RULE... < message", file=sys.stderr)
        return 2
    root, place, uid = Path(words[0]), Path(words[1]), words[2]
    if not is_uid(uid):
        print(f"tool-order: no account is called {uid[:40]!r}", file=sys.stderr)
        return 2
    raw = sys.stdin.buffer.read(LARGEST + 1)
    try:
        rules = {rule.id: rule for rule in Store(root).read(uid)}
        for ident in words[3:]:
            rule = rules.get(ident)
            if not rule or rule.paused == Paused.STOPPED:
                continue
            if not write(place, order(uid, rule, raw, time.time())):
                print(f"tool-order: {uid}: more than {MOST} messages at once; this one is not told", file=sys.stderr)
                return 0
    except (InputError, MallepostError, OSError) as error:
        print(f"tool-order: {uid}: the message is not told: {error}", file=sys.stderr)
        return 1
    return 0
