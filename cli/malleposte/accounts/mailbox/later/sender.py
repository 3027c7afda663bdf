"""The daemon of a mail host that sends what agents laid into « À envoyer » at its hour (role dovecot).

Usage: later STORE SPOOL DOMAIN

It takes orders from the spool into the ledger, looks at those that are due, reads the message and gives it to the
daemon that submits (`submit`). The ledger says first what is about to happen: an order whose hand-over is in doubt is
looked for among the messages that the mail server took before it is tried again. A message that was moved or deleted
meanwhile does not go.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.mailbox.later import files, ledger, letter, outgoing, spool, submit
from malleposte.accounts.mailbox.later.ledger import Ledger
from malleposte.accounts.mailbox.later.model import AT_ONCE, BURST, LATE, MOST, MOST_A_DAY, Order, Reason, Row, State
from malleposte.accounts.mailbox.later.moments import FOLDERS
from malleposte.accounts.mailbox.later.submit import Outcome, Reply, Request
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.runtime import durable, kit

PAUSE = 1.0
"""Seconds between two looks."""
SWEEP = 60.0
"""Seconds between two looks for what was moved or deleted."""
SETTLE = 20.0
"""Seconds until a hand-over in doubt is looked for: the index of deliveries follows the mail server's log."""
LONGEST_PAUSE = 1800.0
TOGETHER, THREADS = 40, 4
LARGEST_ORDER = 4096


@dataclass
class Sender:
    """`account` says whether an account may send; `ask` hands a message over; `was_sent` looks for one that went."""

    root: Path
    spool: Path
    ledger: Ledger
    domain: str
    ask: Callable[[Request, bytes], Reply] = submit.ask
    was_sent: Callable[[str, str], bool] = outgoing.was_sent
    taken: Callable[[str, str], str] = outgoing.taken
    active: Callable[[str], bool] = field(default=lambda uid: state_of(uid) == "active")
    move: Callable[..., None] = files.move
    clock: Callable[[], float] = time.time
    _swept: float = 0.0

    def look(self) -> int:
        """Take new orders, do what is due, and return the number of orders. What fails is named, and tried again."""
        self.take()
        now = self.clock()
        if not 0 <= now - self._swept < SWEEP:
            self._swept = now
            self.sweep()
            self.ledger.clean(now)
        rows = self.ledger.due(now, TOGETHER)
        if len(rows) == 1:
            self._one(rows[0])
        elif rows:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(self._one, rows))
        return len(rows)

    def take(self) -> None:
        """Take the orders of the spool into the ledger, in the order in which they were given."""
        spool.empty(self.spool, Order, self._take, _failed, largest=LARGEST_ORDER)

    def _take(self, order: Order) -> None:
        if order.folder not in FOLDERS or "/" in order.file:
            return
        now, uid = self.clock(), order.uid
        full = len(self.ledger.open(uid)) >= MOST or self.ledger.laid(uid, now - ledger.DAY) >= MOST_A_DAY
        many = self.ledger.laid(uid, order.laid - BURST) >= AT_ONCE
        self.ledger.take(order, Reason.MANY if many or full else Reason.NONE)
        if many:
            self.ledger.burst(uid, order.laid - BURST, now)

    def sweep(self) -> None:
        """Cancel the orders of messages that are not in their folder any more."""
        there: dict[tuple[str, str], dict[str, Path]] = {}
        for row in self.ledger.open():
            if row.state not in (State.ORDERED, State.WAITS):
                continue
            with named(_failed, row.uid):
                key = (row.uid, row.folder)
                if key not in there:
                    there[key] = files.names(*key, self.root)
                if row.file not in there[key]:
                    self._set(row, State.CANCELLED)

    def _one(self, row: Row) -> None:
        failed: list[str] = []
        with named(failed.append, f"{row.uid}: {row.id}"):
            self.carry_out(row)
        for line in failed:
            _failed(line)
            self._set(row, row.state, again=self.clock() + pause(row.tries), tries=row.tries + 1)

    def carry_out(self, row: Row) -> None:
        """Do what is next for an order. Raises MallepostError, OSError."""
        if row.state == State.SUBMITTING:
            self._settle(row)
        elif row.state == State.SENT:
            self.move(row.uid, row.folder, row.file, files.SENT, seen=True, root=self.root)
            self._set(row, State.FILED)
        else:
            self._submit(row)

    def _settle(self, row: Row) -> None:
        """Find out whether the mail server took a message."""
        if queue := self.taken(row.uid, row.message_id):
            self._set(row, State.SENT, queue=queue)
        else:
            self._set(row, State.ORDERED, again=self.clock(), tries=row.tries + 1)

    def _submit(self, row: Row) -> None:
        now = self.clock()
        path = files.names(row.uid, row.folder, self.root).get(row.file)
        if path is None:
            self._set(row, State.CANCELLED)
            return
        if reason := self._waits(row, now):
            self._set(row, State.WAITS, reason=reason)
            return
        raw = files.read(path)
        if letter.digest(raw) != row.digest:
            self._set(row, State.WAITS, reason=Reason.BROKEN)
            return
        message_id = row.message_id or f"<later.{row.id}@{self.domain}>"
        parts: dict[str, Any] = {"state": State.SUBMITTING, "message_id": message_id, "again": now + SETTLE}
        if not self.ledger.change(row.id, now, of=(State.ORDERED,), **parts):
            return  # its owner decided meanwhile
        row = msgspec.structs.replace(row, message_id=message_id)
        try:
            reply = self.ask(Request(row.uid, message_id, now, len(raw)), raw)
        except MallepostError as error:
            reply = Reply(Outcome.LATER, detail=str(error))
        self._note(row, reply)

    def _waits(self, row: Row, now: float) -> Reason:
        """Return why an order that is due does not go by itself."""
        if not self.active(row.uid):
            return Reason.BLOCKED
        if row.forced:
            return Reason.NONE
        if now - row.due > LATE:
            return Reason.LATE
        if self.ledger.sent(row) or (row.message_id and not row.tries and self.was_sent(row.uid, row.message_id)):
            return Reason.AGAIN
        return Reason.NONE

    def _note(self, row: Row, reply: Reply) -> None:
        now = self.clock()
        if reply.outcome == Outcome.SENT:
            kit.say(f"<6>{row.uid}: order {row.id}: sent as {reply.queue}")
            self._set(row, State.SENT, queue=reply.queue, again=now)
        elif reply.outcome == Outcome.WAITS:
            self._set(row, State.WAITS, reason=reply.reason, detail=reply.detail)
        elif reply.outcome == Outcome.LATER:
            again = now + pause(row.tries)
            self._set(row, State.ORDERED, detail=reply.detail, again=again, tries=row.tries + 1)
        else:
            _failed(f"{row.uid}: order {row.id}: in doubt: {reply.detail}")
            self._set(row, State.SUBMITTING, again=now + SETTLE)

    def _set(self, row: Row, state: State, **parts: Any) -> None:
        self.ledger.change(row.id, self.clock(), state=state, **parts)


def pause(tries: int) -> float:
    """Seconds until the next try."""
    return float(min(15.0 * 2 ** min(tries, 10), LONGEST_PAUSE))


def state_of(uid: str) -> str:
    """The state of an account, as Dovecot reads it; empty for none. Raises MallepostError."""
    return doveadm("user", "-f", "state", "--", uid, also=(67,), timeout=30.0).stdout.strip()


def _failed(line: str) -> None:
    kit.say(f"<4>{line}")


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 3:
        print("usage: later STORE SPOOL DOMAIN", file=sys.stderr)
        return 2
    kit.log_to_journal()
    end = kit.ending()
    root, spool, domain = Path(words[0]), Path(words[1]), words[2]
    state = Path(os.environ.get("STATE_DIRECTORY", str(ledger.FOLDER)))
    try:
        orders = Ledger(state / ledger.FILE)
    except sqlite3.DatabaseError as error:
        # Nothing goes that nobody can tell from what went.
        aside = durable.set_aside(state / ledger.FILE)
        kit.say(f"<3>the ledger cannot be read ({error}): it is {aside.name} now; what was ordered does not go")
        orders = Ledger(state / ledger.FILE)
    sender = Sender(root, spool, orders, domain)
    return kit.look_again(sender.look, PAUSE, end, at_once=True)
