"""Counts that end, and words that are good once, in bounded memory. Nothing here is thread-safe.

Times are seconds of whatever clock the caller has, which goes on over a restart of the daemon (CLOCK_MONOTONIC).
"""

from __future__ import annotations

import base64
import zlib
from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SWEEP = 60.0
"""Seconds between two looks at a store for windows that have ended."""
BITS = 1 << 24
"""Bits of a bitmap of words, a power of two; the memory of one is 2 MB."""
MARKS = 4
"""Bits that a word sets. Of 100,000 words in a bitmap, less than one in a million others seems to be among them; of
a million, two in a thousand (Bloom, 1970)."""
type Key = tuple[str, str, str]


@dataclass(slots=True)
class Window:
    """A count until `end`; `seen` are digests, where the same thing counts once."""

    end: float
    count: int = 0
    seen: set[bytes] | None = None


class Windows:
    """Windows by key (kind, name, network). There are at most `most`, and at most `share` of one owner.

    Those that have ended go by and by. Beyond its share an owner loses the oldest of its own windows. Where the store
    is full, the oldest window goes of the owner that has opened none for the longest time.
    """

    def __init__(self, most: int, share: int = 0) -> None:
        """`share` is `most` where it is 0."""
        self._most, self._share = most, share or most
        self._by: OrderedDict[str, OrderedDict[Key, Window]] = OrderedDict()
        self._named: dict[str, set[tuple[str, Key]]] = {}
        self._many, self._swept = 0, float("-inf")

    def __len__(self) -> int:
        """The number of windows, those that have ended included."""
        return self._many

    def get(self, key: Key, owner: str, now: float) -> Window | None:
        """The window of a key, if there is one that has not ended."""
        window = of_owner.get(key) if (of_owner := self._by.get(owner)) else None
        return window if window is not None and window.end > now else None

    def open(self, key: Key, owner: str, now: float, seconds: float) -> Window:
        """The window of a key; a new one where there was none."""
        window = self.get(key, owner, now)
        if window is None:
            self._drop(owner, key)
            window = Window(now + seconds)
            self._put(owner, key, window, now)
        return window

    def forget(self, name: str, kinds: Container[str]) -> None:
        """Remove the windows of a name of these kinds; those of `NAME:PART` too, or of one such part alone."""
        for owner, key in list(self._named.get(name.partition(":")[0], ())):
            if key[0] in kinds and (key[1] == name or ":" not in name):
                self._drop(owner, key)

    def left(self, without: str = "") -> list[list[Any]]:
        """Owner, key, end and count of each as JSON takes them; none of the kind `without`."""
        return [
            [owner, *key, one.end, one.count]
            for owner, of_owner in self._by.items() for key, one in of_owner.items() if key[0] != without
        ]  # fmt: skip

    def go_on(self, rows: Iterable[Sequence[Any]], now: float) -> None:
        """Take over what `left` gave. Raises ValueError, TypeError."""
        for owner, kind, who, where, end, count in rows:
            if float(end) > now:
                self._put(str(owner), (str(kind), str(who), str(where)), Window(float(end), int(count)), now)

    def _put(self, owner: str, key: Key, window: Window, now: float) -> None:
        of_owner = self._by.setdefault(owner, OrderedDict())
        self._by.move_to_end(owner)
        while len(of_owner) >= self._share:
            self._drop(owner, next(iter(of_owner)))
        if now >= self._swept + SWEEP:
            self._sweep(now)
        while self._many >= self._most:
            idle = next(iter(self._by))
            self._drop(idle, next(iter(self._by[idle])))
        self._by.setdefault(owner, of_owner)[key] = window
        self._many += 1
        if key[1]:
            self._named.setdefault(key[1].partition(":")[0], set()).add((owner, key))

    def _sweep(self, now: float) -> None:
        self._swept = now
        for owner in list(self._by):
            for key in [key for key, one in self._by[owner].items() if one.end <= now]:
                self._drop(owner, key)

    def _drop(self, owner: str, key: Key) -> None:
        of_owner = self._by.get(owner)
        if of_owner is not None and of_owner.pop(key, None) is not None:
            self._many -= 1
            if not of_owner:
                del self._by[owner]
            name = key[1].partition(":")[0]
            if name:
                self._named[name].discard((owner, key))
                if not self._named[name]:
                    del self._named[name]


class Once:
    """Words that were said, known for so many seconds and at most twice as many.

    They are bits in two bitmaps, of this span of time and of the one before: no flood of words makes it forget one,
    and it takes the same memory however many there are. A word that nobody said may seem to be known (`MARKS`): its
    page then gives another one.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._span = seconds, 0
        self._now, self._before = bytearray(BITS // 8), bytearray(BITS // 8)

    def first(self, digest: bytes, now: float) -> bool:
        """Whether a word is new, by its digest of 4 * `MARKS` bytes; it then was said."""
        self._turned(now)
        places = [int.from_bytes(digest[at : at + 4]) % BITS for at in range(0, 4 * MARKS, 4)]
        said_before = any(all(one[at >> 3] >> (at & 7) & 1 for at in places) for one in (self._now, self._before))
        for at in places:
            self._now[at >> 3] |= 1 << (at & 7)
        return not said_before

    def _turned(self, now: float) -> None:
        span = int(now // self._seconds)
        if span == self._span:
            return
        self._before = self._now if span == self._span + 1 else bytearray(BITS // 8)
        self._now, self._span = bytearray(BITS // 8), span

    def left(self) -> dict[str, Any]:
        """All of it as JSON takes it, for `go_on`."""
        return {"span": self._span, "now": _packed(self._now), "before": _packed(self._before)}

    @classmethod
    def go_on(cls, seconds: float, state: Mapping[str, Any]) -> Once:
        """Take over what another left. Raises ValueError, TypeError, KeyError."""
        windows = cls(seconds)
        windows._span = int(state["span"])
        windows._now, windows._before = _unpacked(state["now"]), _unpacked(state["before"])
        return windows


def _packed(bitmap: bytearray) -> str:
    return base64.b64encode(zlib.compress(bitmap, 1)).decode()


def _unpacked(text: str) -> bytearray:
    try:
        bits = bytearray(zlib.decompress(base64.b64decode(text, validate=True)))
    except zlib.error as error:
        raise ValueError("no bitmap") from error
    if len(bits) != BITS // 8:
        raise ValueError("no bitmap")
    return bits
