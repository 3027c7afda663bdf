"""Bring the published calendars into Radicale's store, as its user (role radicale).

Usage: radicale-calendars ROOT    ROOT is its collection-root
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte.groupware.published import job
from malleposte.groupware.published.radicale import place


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: radicale-calendars ROOT", file=sys.stderr)
        return 2
    return job.run("Radicale", lambda shown, items: place(Path(words[0]), shown, items))
