"""Requests and results of a restore. Standard library only: this runs on the platform's hosts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Copy:
    """The content of one archive for one thing: its name, its backup server, its time."""

    archive: str
    vault: str
    taken: datetime

    def __str__(self) -> str:
        """For people."""
        return f"{self.archive} of {self.taken.astimezone():%Y-%m-%d %H:%M} ({self.vault})"


class Source(Protocol):
    """Archives, whatever keeps them."""

    def find(self, path: str) -> Copy:
        """The archive that is asked for and may hold `path` (absolute). Raises MallepostError when there is none."""

    def extract(self, copy: Copy, paths: Iterable[str], destination: Path) -> None:
        """Write `paths` below `destination`, under their whole names. Raises MallepostError.

        A path that the archive has not is no error.
        """

    def dump(self, name: str, into: Path) -> Copy:
        """Write the dump of that name into a file, for root alone. Raises MallepostError."""


@dataclass
class Outcome:
    """The result of a restore: counts, lines for people, the place of the replaced data, and the way to undo it."""

    what: str
    copy: Copy | None = None
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    aside: str = ""
    undo: str = ""
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of a listing."""
    missing: list[str] = field(default_factory=list)
    """The parts that were asked for and not done, or what was left undone after them, a line each."""
    as_of: str = ""
    """The moment that was asked, as the host understood it (ISO 8601, with its offset)."""

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        found = asdict(self)
        if self.copy:
            found["copy"]["taken"] = self.copy.taken.isoformat()
        return found
