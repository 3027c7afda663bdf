"""A message for the address of the reports: counted, read within bounds, and its reports kept.

Whatever it is, it is taken: a refusal would make the mail server write to a sender who may be forged.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from malleposte.reports import dmarc, tlsrpt, unpack
from malleposte.reports.model import DAY, DmarcReport, RefusedError, Report, plain
from malleposte.reports.sources import network_of
from malleposte.reports.store import DROPPED, KEPT, KNOWN, OF_ALL, OF_NETWORK, REFUSED, Budget, Refusal, Store
from malleposte.runtime.servers import LATER, Envelope

TAKEN = "250 2.0.0 taken"
SAID = 20
"""Networks of which a day's first dropped message is said; the others are counted alone."""


class Intake:
    """Takes messages, one at a time."""

    def __init__(
        self,
        store: Store,
        domain: str,
        days: int,
        say: Callable[[str], object],
        clock: Callable[[], float],
        *,
        whole: Budget = OF_ALL,
        each: Budget = OF_NETWORK,
    ) -> None:
        """`clock` in seconds since 1970; `whole` and `each`: what may be taken in a day, in all and of a network."""
        self.store, self.domain, self.days, self.say, self.clock = store, domain, days, say, clock
        self.whole, self.each = whole, each
        self.lock = threading.Lock()
        """Whoever asks the store holds it."""
        self._said: set[tuple[int, str]] = set()

    def taken(self, envelope: Envelope, message: bytes) -> str:
        """Take a message; the answer in SMTP's words. While the disk takes nothing, it waits in the queue."""
        with self.lock:
            try:
                self._take(envelope, message)
            except sqlite3.Error as error:
                self.say(f"<3>nothing can be kept: {error}")
                return LATER
        return TAKEN

    def _take(self, envelope: Envelope, message: bytes) -> None:
        now, network = self.clock(), network_of(envelope.client)
        if not self._spend(now, network, Budget(1, len(message), 0)):
            return
        sender = plain(envelope.sender.rpartition("@")[2].lower(), 60)
        count = 0
        try:
            for kind, document in unpack.documents(message):
                count += 1
                self._document(kind, document, sender, network, now)
            if not count:
                raise RefusedError("no report is in it")
        except RefusedError as error:
            self._refuse(error, sender, now)

    def _document(self, kind: str, document: bytes, sender: str, network: str, now: float) -> None:
        """One document; what is wrong with it keeps no other from being read."""
        read = dmarc.read if kind == unpack.XML else tlsrpt.read
        try:
            report: Report = read(document, self.domain, now, self.days)
        except RefusedError as error:
            self._refuse(error, sender, now)
            return
        if self.store.has(report.head):
            self.store.count(now, KNOWN)
            return
        rows = len(report.results) if isinstance(report, DmarcReport) else len(report.sessions)
        if self._spend(now, network, Budget(0, 0, rows)):
            self.store.add(report, now)
            self.store.count(now, KEPT)

    def _spend(self, now: float, network: str, cost: Budget) -> bool:
        """Whether today's budgets allow a cost; what they do not allow is counted, and said once a day and network."""
        if self.store.spend(now, network, cost, self.whole, self.each):
            return True
        self.store.count(now, DROPPED)
        day = int(now) // DAY
        self._said = {one for one in self._said if one[0] == day}
        if (day, network) not in self._said and len(self._said) < SAID:
            self._said.add((day, network))
            self.say(
                f"<4>dropped: from {network or 'this host'}: today's budget is spent; what follows is counted alone"
            )
        return False

    def _refuse(self, error: RefusedError, sender: str, now: float) -> None:
        organisation, report, reason = plain(error.organisation, 60), plain(error.report, 100), plain(error.reason, 200)
        self.store.count(now, REFUSED)
        self.store.refuse(Refusal(int(now), sender, organisation, report, reason))
        self.say(f"refused: from {sender or '<>'}, organisation {organisation!r}, report {report!r}: {reason}")
