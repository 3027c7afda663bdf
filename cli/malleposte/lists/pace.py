"""So many recipients a minute, and no burst beyond a minute's worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """A rate limit for recipients. `clock` gives seconds and never goes back."""

    per_minute: int
    clock: Callable[[], float]
    _credit: float = field(init=False)
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin with a minute's worth."""
        self._credit, self._last = float(self.per_minute), self.clock()

    def ready(self, count: int) -> int:
        """Return how many of `count` may leave now."""
        now = self.clock()
        self._credit = min(float(self.per_minute), self._credit + (now - self._last) * self.per_minute / 60)
        self._last = now
        return min(count, int(self._credit + 1e-9))

    def spend(self, count: int) -> None:
        """So many have left."""
        self._credit -= count

    def wait(self, count: int) -> float:
        """Seconds until so many may leave, or as many as a minute allows."""
        lacking = min(count, self.per_minute) - self._credit
        return max(0.0, lacking * 60 / self.per_minute)
