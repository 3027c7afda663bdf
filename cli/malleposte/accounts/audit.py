"""The audit of the help desk: its acts in accountd's journal, for the academy, as CSV."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from malleposte.core import spreadsheet

COLUMNS = ("time", "by", "action", "account", "reason", "call", "why", "source")
"""`why` is the reason of a refusal, `call` what was refused, `source` the address of the browser."""
_ACTS = "desk-"


def acts(journal: Path, *, since: str = "", by: str = "", account: str = "") -> Iterator[Mapping[str, str]]:
    """The acts of the help desk in a journal and its rotated files, the oldest first. Raises OSError.

    `since` is a day or time (ISO 8601) in UTC, `by` and `account` are uids; each left out is none.
    """
    for file in sorted(journal.parent.glob(f"{journal.name}*"), key=lambda one: one.stat().st_mtime):
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                act = _read(line)
                if not str(act.get("action", "")).startswith(_ACTS) or str(act.get("time", "")) < since:
                    continue
                row = _row(act)
                if (not by or row["by"] == by) and (not account or row["account"] == account):
                    yield row


def _read(line: str) -> Mapping[str, Any]:
    try:
        act = json.loads(line)
    except ValueError:
        return {}
    return act if isinstance(act, dict) else {}


def _row(act: Mapping[str, Any]) -> Mapping[str, str]:
    row = {name: str(act.get(name, "")) for name in COLUMNS}
    return row | {"action": row["action"].removeprefix(_ACTS), "reason": str(act.get("note", ""))}


def table(rows: Iterator[Mapping[str, str]]) -> Iterator[str]:
    """The lines of a CSV file for a spreadsheet, its head first: no text of anybody's becomes a formula there."""
    yield spreadsheet.row(COLUMNS)
    for row in rows:
        yield spreadsheet.row(row.values())
