"""Keep connections open for their next use: to make one takes a log-in, a handshake, or both."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Connection(Protocol):
    """A connection that may wait."""

    def fileno(self) -> int:
        """The descriptor of its socket; negative once it is closed."""

    def close(self) -> None:
        """End it. It raises nothing."""


class Idle[C: Connection]:
    """Connections of which nobody waits for an answer. Thread-safe."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep so many, each for so many seconds at most."""
        self._most, self._seconds, self._clock = most, seconds, clock
        self._waiting: list[tuple[float, C]] = []
        self._lock = threading.Lock()

    def __del__(self) -> None:
        """End those that wait: their sockets would be left to the collector."""
        for _since, one in self._waiting:
            one.close()

    def take(self) -> C | None:
        """Return the one that was used last, if the other side has not ended it; None where there is none."""
        while True:
            with self._lock:
                since, one = self._waiting.pop() if self._waiting else (0.0, None)
            if one is None:
                return None
            if self._clock() - since <= self._seconds and _silent(one):
                return one
            one.close()

    def put(self, one: C) -> None:
        """Let one wait. Whoever used it has had every answer; those that have waited for too long end now."""
        with self._lock:
            now = self._clock()
            self._waiting.append((now, one))
            waiting = [pair for pair in self._waiting if now - pair[0] <= self._seconds][-self._most :]
            over = [pair for pair in self._waiting if pair not in waiting]
            self._waiting = waiting
        for _since, old in over:
            old.close()


def _silent(one: Connection) -> bool:
    """Whether the other side has sent nothing, such as its end: an answer to no question is never read."""
    descriptor = one.fileno()
    if descriptor < 0:
        return False
    look = select.poll()
    look.register(descriptor, select.POLLIN)
    return not look.poll(0)
