"""The night job that archives old mail of the agents who chose it, and tells them of it once a month (role dovecot).

Usage: archiving STORE HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE

A box that fails is named, and stops no other. Each night begins with another box, so that a night that is too short
leaves out others than the one before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from malleposte.accounts.mailbox.archiving import letter, work
from malleposte.accounts.mailbox.archiving.store import Store
from malleposte.accounts.mailbox.hours.calendar import here
from malleposte.core.loops import named
from malleposte.platform import letters
from malleposte.runtime import kit, owner

LONGEST = 4 * 3600.0
"""Seconds after which no further box is begun."""
WORDS = 5

type Send = Callable[[str, Mapping[str, int]], None]
"""Write to an agent how many messages went to each folder."""


@dataclass
class Night:
    """One run over all boxes of a store."""

    store: Store
    send: Send
    archive: Callable[[Store, str, float], int] = work.archive
    clock: Callable[[], float] = time.time

    def run(self) -> list[str]:
        """Archive and tell; the failures, a line each."""
        failures = list[str]()
        begin, uids = self.clock(), self.store.uids()
        first = here(begin).toordinal() * 7919 % len(uids) if uids else 0
        for uid in (*uids[first:], *uids[:first]):
            if self.clock() - begin > LONGEST:
                print("not all boxes were archived: the next night goes on", file=sys.stderr)
                break
            with named(failures.append, uid):
                self._tell(uid)
            with named(failures.append, uid):
                self.archive(self.store, uid, self.clock())
        return failures

    def _tell(self, uid: str) -> None:
        """Write, in another month, what was archived since the last letter."""
        month = f"{here(self.clock()):%Y-%m}"
        with self.store.alone(uid, wait=False) as alone:
            record = self.store.read(uid)
            if not alone or record.month == month:
                return
            if record.month and sum(record.untold.values()):
                self.send(uid, record.untold)
            self.store.write(uid, replace(record, month=month, untold={} if record.month else record.untold))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: archiving STORE HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE", file=sys.stderr)
        return 2
    root, server, postmaster, domain, page = words

    def send(uid: str, counts: Mapping[str, int]) -> None:
        with owner.as_owner(Path(root)):  # who may send without a password is the store's user
            message = letter.compose(postmaster, uid, counts, page)
            letters.hand_over(letters.server_of(server), message, [f"{uid}@{domain}"])

    failures = Night(Store(Path(root)), send).run()
    for line in failures:
        kit.say(f"<4>not archived: {line}")
    return 1 if failures else 0
