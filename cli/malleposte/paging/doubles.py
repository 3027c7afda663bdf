"""Events that were told lately, so that two vaults that see one cause call once."""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.paging.message import opposite

SECONDS = 600.0
"""Seconds for which an event that was told is a double."""
MOST = 10_000
"""Events that are remembered; beyond, the oldest are forgotten, and told once more at worst."""


class RecentEvents:
    """Events by the time at which they were told, in seconds."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def add(self, events: Iterable[str], now: float) -> None:
        """Remember that these were told. An alarm that ended, and begins again at once, is no double."""
        for event in events:
            self._at.pop(opposite(event), None)
            self._at.pop(event, None)
            self._at[event] = now
        while len(self._at) > MOST:
            del self._at[next(iter(self._at))]

    def forget(self, events: Iterable[str]) -> None:
        """These were not told after all."""
        for event in events:
            self._at.pop(event, None)

    def among(self, events: Iterable[str], now: float) -> list[str]:
        """Those of the events that were told lately."""
        return [event for event in events if now - self._at.get(event, float("-inf")) < SECONDS]
