"""The probe's results as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .model import Result, Status, exit_code

MARKS = {Status.OK: "green", Status.FAILED: "red", Status.NOT_TESTED: "yellow"}


def heading() -> str:
    """The table's first line."""
    return f"{'path':<18} {'result':<10} {'ms':>6}  detail"


def row(result: Result) -> tuple[str, str, str]:
    """A table line in three parts, so that the middle one (the outcome) may be coloured."""
    return f"{result.name:<18} ", f"{result.status:<10}", f" {result.ms:>6}  {result.detail}"


def summary(results: Sequence[Result]) -> str:
    """Count the results of each kind, on one line."""
    counts = {status: sum(result.status is status for result in results) for status in Status}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "nothing was walked"


def as_json(results: Sequence[Result]) -> str:
    """One JSON document: the results and the exit code they mean."""
    body = {"exit_code": exit_code(results), "results": [result.as_json() for result in results]}
    return json.dumps(body, ensure_ascii=False, indent=2)
