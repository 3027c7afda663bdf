"""The lines of a journal about an account, as its owner is shown them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from malleposte.accounts.disclosure import terms
from malleposte.accounts.disclosure.export import journal_lines

LONGEST_NOTE = 120
"""Characters of a reason, and of a name."""
BETWEEN = "; "
"""Between the facts that an act changed; none of their words has it."""
MOST = 200
"""Lines that are shown."""


class Line(NamedTuple):
    """A line: time (ISO 8601), the act in French words, by whom (`portal`, `desk`, `operators`), the reason.

    `name` is what the agent calls the device or the second factor that the act is about; `changed` are the facts that
    it changed, in French words, with `BETWEEN` between them.
    """

    time: str
    act: str
    by: str
    note: str = ""
    name: str = ""
    changed: str = ""


def line(raw: str) -> Line | None:
    """Return a line of a journal for the account's owner; None for one of the machinery. Raises ValueError.

    `by` is `desk` for an act of the help desk, `portal` for what else was done through accountd, `operators` for the
    rest: names of people are not told.
    """
    content = json.loads(raw)
    if content.get("action") in terms.SILENT:
        return None
    note, name = (" ".join(str(content.get(key) or "").split())[:LONGEST_NOTE] for key in ("note", "name"))
    by = "portal" if str(content.get("who", "")).startswith("accountd:") else "operators"
    by = "desk" if content.get("desk") is True else by
    return Line(str(content.get("time", "")), terms.act(content), by, note, name, BETWEEN.join(terms.changed(content)))


def of(paths: Sequence[Path], uid: str) -> Iterator[Line]:
    """Yield the lines about an account of journals on this host, each one's oldest first. Raises OSError."""
    for path in paths:
        for raw in journal_lines(path, uid):
            shown = line(raw)
            if shown is not None:
                yield shown


def newest(lines: Iterable[Line]) -> list[Line]:
    """Return as many of the newest as are shown, newest first."""
    return sorted(lines, key=lambda one: one.time, reverse=True)[:MOST]
