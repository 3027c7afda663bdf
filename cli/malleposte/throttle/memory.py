"""The bound of proofs where Valkey does not answer: each process counts by itself, and knows the clients that it saw.

Nothing is delayed there, and slapd's own count stays out of reach of strangers: what all processes together allow
within its window is less than what locks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

ACCOUNTS = 50_000
"""Accounts whose proofs are counted; the one tried longest ago goes first."""
KNOWN = 100_000
"""Clients that have succeeded of late; the one of longest ago goes first."""


class Memory:
    """Counts proofs. Thread-safe. Times in seconds."""

    def __init__(self, most: int, window: float) -> None:
        """`most` proofs of an account by strangers, and as many by known clients, within `window`."""
        self._most, self._window = most, window
        self._proofs: OrderedDict[tuple[str, bool], deque[float]] = OrderedDict()
        self._clients: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def succeeded(self, account: str, client: str) -> None:
        """The password was right: no failure, and the client is known from now on. Told also while Valkey answers."""
        with self._lock:
            self._drop(account, client)
            self._clients[(account, client)] = None
            self._clients.move_to_end((account, client))
            while len(self._clients) > KNOWN:
                self._clients.popitem(last=False)

    def unproved(self, account: str, client: str) -> None:
        """The last proof of a client was none."""
        with self._lock:
            self._drop(account, client)

    def _drop(self, account: str, client: str) -> None:
        if proofs := self._proofs.get((account, (account, client) in self._clients)):
            proofs.pop()

    def attempt(self, account: str, client: str, now: float) -> int:
        """Count a proof; the seconds to wait when it is one too many."""
        with self._lock:
            key = (account, (account, client) in self._clients)
            proofs = self._proofs.setdefault(key, deque())
            self._proofs.move_to_end(key)
            while proofs and proofs[0] <= now - self._window:
                proofs.popleft()
            if len(proofs) >= self._most:
                return max(1, int(proofs[0] + self._window - now) + 1)
            proofs.append(now)
            while len(self._proofs) > ACCOUNTS:
                self._proofs.popitem(last=False)
            return 0
