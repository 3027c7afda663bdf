"""The room that an agent's agendas and address books have in Radicale's store, counted in blocks of the disk.

A home is counted once in a while and in between by what is written, since its files may be many and everybody's
requests wait meanwhile. What others wrote or removed there counts from the next time on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MEGABYTES = 200
"""Room of an agent, in MB: some 25,000 events, each with what tells devices of its changes."""
MOST_COLLECTIONS = 100
"""Agendas and address books of an agent."""
MOST_PROPERTIES = 65_536
"""Octets of the properties of a collection."""
MOST_TOKENS = 20 << 20
"""Octets of what a collection remembers of the states that devices have seen; a device whose state is forgotten reads
the whole collection again.
"""
COUNTED, FULL = 600.0, 60.0
"""Seconds after which a home is counted again, and one that is full."""
HOMES = 1_000
"""Homes whose count is remembered."""
_BLOCK = 4096


@dataclass
class _Count:
    octets: int
    since: float


class Room:
    """The counts of homes. For one thread at a time."""

    def __init__(self, octets: int = MEGABYTES << 20, clock: Callable[[], float] = time.monotonic) -> None:
        """`octets`: the room of a home."""
        self.octets, self._clock = octets, clock
        self._counts: dict[Path, _Count] = {}

    def take(self, home: Path, more: int) -> None:
        """Count what is about to be written to a home. Raises ValueError where it has no room (`no_room`)."""
        now = self._clock()
        count = self._counts.pop(home, None)
        if count is None or not 0 <= now - count.since < (COUNTED if count.octets + more <= self.octets else FULL):
            count = _Count(taken(home), now)
        self._counts[home] = count
        while len(self._counts) > HOMES:
            del self._counts[next(iter(self._counts))]
        if count.octets + more > self.octets:
            raise no_room(f"the agendas and address books of {home.name} take {count.octets >> 20} MB, the most is "
                          f"{self.octets >> 20} MB")  # fmt: skip
        count.octets += more


def no_room(why: str) -> ValueError:
    """Return the fault in the form that Radicale answers with 507 (RFC 4918, 11.5)."""
    return ValueError(f"[Errno {errno.ENOSPC}] {why}")


def blocks(octets: int) -> int:
    """Return what a file of so many octets takes of a disk, with what Radicale notes of it."""
    return (1 - (-octets // _BLOCK)) * _BLOCK


def forget_states(folder: Path, most: int = MOST_TOKENS) -> None:
    """Remove the oldest states of a collection (`sync-token`) beyond so many octets; the newest stays."""
    # Another request may remove some of them meanwhile.
    with contextlib.suppress(FileNotFoundError):
        states, whole = sorted(_files(folder), key=lambda one: one.stat().st_mtime_ns, reverse=True), 0
        for number, file in enumerate(states):
            whole += file.stat().st_size
            if number and whole > most:
                Path(file.path).unlink(missing_ok=True)


def taken(home: Path) -> int:
    """Return the octets that a home takes of the disk."""
    return sum(one.stat(follow_symlinks=False).st_blocks * 512 for folder, _folders, _names in os.walk(home)
               for one in _files(Path(folder)))  # fmt: skip


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the plain files of a folder, which need not be there."""
    try:
        with os.scandir(folder) as entries:
            yield from (one for one in entries if one.is_file(follow_symlinks=False))
    except FileNotFoundError:
        return
