"""One finding: severity, place and text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from malleposte.core.errors import ExitCode
from malleposte.core.paths import shown


class Level(StrEnum):
    """The severity of a finding."""

    WRONG = "wrong"
    """The inventory is refused: exit code 2."""
    FAILING = "failing"
    """A host is not fit: exit code 1."""
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """`line` counts from 1 (0: the whole file); `key` is the path of a value, such as `malleposte_tls.source`."""

    level: Level
    message: str
    file: Path | None = None
    line: int = 0
    key: str = ""
    host: str = ""

    @property
    def place(self) -> str:
        """`file:line`, or the host."""
        if self.file is None:
            return self.host
        return f"{shown(self.file)}:{self.line}" if self.line else shown(self.file)

    def text(self) -> str:
        """The finding on one line."""
        said = {Level.WARNING: "warning: ", Level.NOTE: "note: "}.get(self.level, "")
        parts = [part for part in (self.place, self.key) if part]
        return " ".join(": ".join([*parts, f"{said}{self.message}"]).split())

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "level": str(self.level),
            "file": str(self.file) if self.file else None,
            "line": self.line or None,
            "key": self.key or None,
            "host": self.host or None,
            "message": self.message,
        }


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """2 when the inventory is refused, 1 when a host is not fit, else 0."""
    levels = {finding.level for finding in findings}
    if Level.WRONG in levels:
        return ExitCode.BAD_INPUT
    return ExitCode.FAILURE if Level.FAILING in levels else ExitCode.DONE
