"""The work by which a box's labels, records and delegates agree: orders of delegates, a look at the whole box.

The record says who owns a message. Labels follow it: one that nobody's order set goes, one that is missing comes back.
A run that was cut off leaves a record without its labels at most; the next look sets them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from malleposte.accounts.mailbox.owners.dovecot import INBOX, Dovecot, Row
from malleposte.accounts.mailbox.owners.model import (
    ANSWERED,
    DONE,
    KEEP_DONE,
    MOST_RECORDS,
    MOST_SEEN,
    TAKEN,
    Order,
    Record,
    Settings,
)  # fmt: skip
from malleposte.accounts.mailbox.owners.store import Store
from malleposte.core.loops import named
from malleposte.deliveries import ask as deliveries
from malleposte.deliveries.model import Query

MOST_SENT = 100
"""Messages sent as the box that a look reads."""
OVERLAP = 600.0
"""Seconds of sent mail that a look reads again: a copy is filed after its time."""


def sender_of(message_id: str) -> str:
    """The account that sent a message, as this host's index of deliveries knows it; empty where it does not."""
    messages = deliveries.find(Query(message_id=message_id, most=1)).messages
    return messages[0].account if messages else ""


@dataclass(frozen=True)
class Look:
    """`sender` names the account of a sent message, `say` takes a line for the journal."""

    store: Store
    say: Callable[[str], None]
    dovecot: Dovecot = field(default_factory=Dovecot)
    sender: Callable[[str], str] = sender_of
    clock: Callable[[], float] = time.time
    _seen: dict[str, tuple[frozenset[str], tuple[int, ...]]] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)
    """The last message of a look that had no time for all: the next one goes on behind it."""

    def carry_out(self, orders: Iterable[Order]) -> None:
        """Carry out the orders on one message of one box, in the order in which they were given.

        Raises MallepostError, OSError.
        """
        several = list(orders)
        first = several[0]
        if not self.store.settings(first.box):
            return
        with self.store.alone(first.box):
            delegates = self.dovecot.delegates(first.box)
            for row in self.dovecot.named(first.box, first.message_id, first.folder):
                before = record = self.store.read(first.box, row.key)
                record = record.of(delegates)
                for order in several:
                    if order.uid in delegates:
                        record = obeyed(record, order)
                self._keep(first.box, row, before, record)

    def box(self, box: str) -> frozenset[str]:
        """Bring a box in line, unless nothing changed since the last look; its delegates.

        Raises MallepostError, OSError.
        """
        with self.store.alone(box):
            delegates = self.dovecot.delegates(box)
            settings = self.store.settings(box)
            if not settings:
                return frozenset()
            if self._seen.get(box) == (delegates, stamp := self.store.stamp(box)):
                return delegates
            self._answers(box, settings, delegates)
            first = self._last.get(box, 0)
            numbers = [one for one in self.dovecot.marked(box, settings.since, delegates) if one > first]
            numbers, more = numbers[:MOST_SEEN], len(numbers) > MOST_SEEN
            for row in self.dovecot.rows(box, numbers):
                before = record = self.store.read(box, row.key)
                record = record.of(delegates)
                if row.answered and not record.again:
                    record = record.ended("", self.clock())
                self._keep(box, row, before, record)
            self._last[box] = numbers[-1] if more else 0
            if not first and not more:
                self._seen[box] = (delegates, stamp)
            return delegates

    def _answers(self, box: str, settings: Settings, delegates: frozenset[str]) -> None:
        """End what was answered by mail that was sent as the box, whatever program sent it."""
        now = self.clock()
        for sent in self.dovecot.sent(box, max(settings.looked - OVERLAP, settings.since), MOST_SENT):
            for message_id in sent.answers:
                rows = self.dovecot.named(box, message_id, INBOX)
                if len(rows) != 1:
                    continue  # two under one Message-ID: a stranger's copy ends nothing
                before = self.store.read(box, rows[0].key)
                if before.done or before.again:
                    continue
                agent = self.sender(sent.message_id)
                record = before.of(delegates).ended(agent if agent in delegates else "", now)
                self._keep(box, rows[0], before, record)
        self.store.set_settings(box, msgspec.structs.replace(settings, looked=now))

    def _keep(self, box: str, row: Row, before: Record, record: Record) -> None:
        """Write the record, then set the labels by it."""
        record = described(record, row)
        if record != before:
            self.store.write(box, row.key, record)
        self.dovecot.label(box, row, record.labels())

    def clean(self, box: str) -> int:
        """Erase what is known of messages that are gone, and of those that are done long ago; return the number.

        Raises MallepostError, OSError.
        """
        erased = 0
        with self.store.alone(box):
            keys = self.store.keys(box)
            there = self.dovecot.keys(box) if keys else frozenset()
            for key in keys:
                failed: list[str] = []
                with named(failed.append, f"{box}: {key}"):
                    if key not in there or self._long_done(self.store.read(box, key)):
                        self.store.write(box, key, Record())
                        erased += 1
                for line in failed:
                    self.say(f"<4>{line}")
        if len(keys) > MOST_RECORDS:
            self.say(f"<4>{box}: more than {MOST_RECORDS} messages have an owner or a note")
        return erased

    def _long_done(self, record: Record) -> bool:
        return bool(record.done) and not record.notes and self.clock() - record.done > KEEP_DONE


def obeyed(record: Record, order: Order) -> Record:
    """The record after a delegate's order. No order makes somebody else the owner."""
    agent, changed = order.uid, {label.lower() for label in order.changed}
    bears = {label.lower() for label in order.set}
    if ANSWERED.lower() in changed and ANSWERED.lower() in bears:
        record = record.ended(agent, order.at)
    if DONE in changed:
        record = record.ended(agent, order.at) if DONE in bears else record.reopened(agent, order.at)
    if TAKEN in changed:
        record = record.taken(agent, order.at) if TAKEN in bears else record.given_back(agent)
    return record


def described(record: Record, row: Row) -> Record:
    """The record with what names its message, if it says anything."""
    if record.empty:
        return Record()
    return msgspec.structs.replace(record, message_id=row.message_id, subject=row.subject)
