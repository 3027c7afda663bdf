"""Requests and results of a restore. Standard library only: this runs on the platform's hosts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from malleposte.platform.times import local

STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Copy:
    """The content of one archive for one thing: its name, its backup server, its time."""

    archive: str
    vault: str
    taken: datetime

    def __str__(self) -> str:
        """For people."""
        return f"{self.archive} of {local(self.taken)} ({self.vault})"


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
        document = asdict(self)
        if self.copy:
            document["copy"]["taken"] = self.copy.taken.isoformat()
        return document
