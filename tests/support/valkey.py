"""Valkey in memory, as far as sessions of the portal need it."""

from collections.abc import Callable
from typing import Any


class ValkeyError(Exception):
    """In place of redis.RedisError."""


class MemoryValkey:
    """Keys that end. `away` has every call fail."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.away = clock, False
        self.held: dict[str, tuple[Any, float]] = {}

    def _live(self, name: str) -> Any:
        if self.away:
            raise ValkeyError
        value, ends = self.held.get(name, (None, 0.0))
        return value if value is not None and self.clock() < ends else None

    def get(self, name: str) -> Any:
        return self._live(name)

    def getdel(self, name: str) -> Any:
        found = self._live(name)
        self.held.pop(name, None)
        return found

    def set(self, name: str, value: str, ex: int, *, nx: bool = False, xx: bool = False) -> Any:
        there = self._live(name) is not None
        if (nx and there) or (xx and not there):
            return None
        self.held[name] = value, self.clock() + ex
        return True

    def delete(self, *names: str) -> Any:
        for name in names:
            self.getdel(name)

    def expire(self, name: str, time: int) -> Any:
        found = self._live(name)
        if found is not None:
            self.held[name] = found, self.clock() + time

    def sadd(self, name: str, *values: str) -> Any:
        self.held[name] = (self._live(name) or set()) | set(values), self.clock() + 10**9

    def srem(self, name: str, *values: str) -> Any:
        found = self._live(name)
        if found is not None:
            self.held[name] = found - set(values), self.held[name][1]

    def smembers(self, name: str) -> Any:
        return set(self._live(name) or ())
