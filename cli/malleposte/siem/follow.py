"""A journal that is appended to and rotated (logrotate(8), or its own program), read from where it was.

The place is the file's inode and the bytes that were read. A journal that is new begins at its end: what was before the
first deploy is not sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST = 65_536
"""Bytes of a line; of a longer one nothing is sent."""
BATCH = 512 * 1024
"""Bytes that are read at once."""
BEHIND = 64 * 1024 * 1024
"""Bytes that may wait in a journal; of more, the oldest are left out."""


@dataclass(frozen=True)
class Place:
    """The bytes of a file, by its inode, that were read."""

    inode: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Batch:
    """Lines, each with its identifier (inode and offset), the place after them, and the bytes that were left out.

    `gone`: the file of the place before is not there any more; what was left in it is not known.
    """

    lines: tuple[tuple[str, bytes], ...]
    place: Place
    left_out: int = 0
    gone: bool = False


def end(path: Path) -> Place:
    """Return the end of a journal as it is now; the beginning of one that is not there yet. Raises OSError."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return Place()
    return Place(status.st_ino, status.st_size)


def batch(path: Path, place: Place, behind: int = BEHIND) -> Batch | None:
    """Return the next lines of a journal, of a rotated file first; None where there are none. Raises OSError."""
    seen = not place.inode
    for file in _files(path, place):
        with file.open("rb") as journal:
            status = os.fstat(journal.fileno())
            seen = seen or status.st_ino == place.inode
            offset = place.offset if status.st_ino == place.inode else 0
            if offset > status.st_size:  # it was emptied
                offset = 0
            skipped = max(0, status.st_size - offset - behind)
            journal.seek(offset + skipped)
            start = offset + skipped
            if skipped:  # into the middle of a line
                cut = len(journal.readline())
                skipped, start = skipped + cut, start + cut
            lines, after = _lines(journal.read(BATCH), status.st_ino, start)
            if after > start or skipped:
                return Batch(tuple(lines), Place(status.st_ino, after), skipped, not seen)
    return None


def _files(path: Path, place: Place) -> Iterator[Path]:
    """The file of a place, where it has another name by now, and the journal."""
    try:
        current = path.stat().st_ino
    except FileNotFoundError:
        current = 0
    if place.inode and place.inode != current:
        yield from (one for one in sorted(path.parent.glob(f"{path.name}.*")) if one.stat().st_ino == place.inode)
    if current:
        yield path


def _lines(content: bytes, inode: int, start: int) -> tuple[list[tuple[str, bytes]], int]:
    """The whole lines of some content that begins at `start`, and the end of the last."""
    lines: list[tuple[str, bytes]] = []
    offset = start
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            if len(line) <= LONGEST:
                break  # it is being written
            return lines, offset + len(line)  # none of ours: it is passed over
        if len(line) <= LONGEST:
            lines.append((f"{inode}-{offset}", line))
        offset += len(line)
    return lines, offset
