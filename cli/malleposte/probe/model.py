"""The result of a path, and the exit code of the whole walk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Outcome of one path."""

    OK = "ok"
    FAILED = "failed"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Result:
    """One path: its name, its outcome, the time it took in milliseconds, and what was seen."""

    name: str
    status: Status
    ms: int
    detail: str

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Result:
        """Read one JSON object of the walker. Raises KeyError or ValueError when it is not one."""
        return cls(str(raw["name"]), Status(raw["status"]), int(raw["ms"]), str(raw["detail"]))

    def as_json(self) -> dict[str, str | int]:
        """The object printed by `probe --json`."""
        return {"name": self.name, "status": str(self.status), "ms": self.ms, "detail": self.detail}


def exit_code(results: Iterable[Result]) -> int:
    """0 when every path is ok, 1 when one failed (or none was walked), 3 when one could not be tested."""
    seen = {result.status for result in results}
    if Status.FAILED in seen or not seen:
        return 1
    return 3 if Status.NOT_TESTED in seen else 0
