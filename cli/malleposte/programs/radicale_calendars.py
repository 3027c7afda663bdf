"""Bring the published calendars into Radicale's store, as its user (role radicale).

Usage: radicale-calendars ROOT    ROOT is its collection-root
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from malleposte.calendars import content
from malleposte.calendars.radicale import place
from malleposte.calendars.store import Store
from malleposte.errors import MallepostError


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: radicale-calendars ROOT", file=sys.stderr)
        return 2
    store = Store()

    def items(ident: str) -> Mapping[str, str]:
        return content.check(store.content(ident), ident).items

    try:
        changed = store.bring(lambda shown: place(Path(words[0]), shown, items))
    except (MallepostError, OSError) as error:
        print(f"<3>the calendars of Radicale are as they were: {error}", file=sys.stderr)
        return 1
    if changed:
        print(f"{changed} published calendars changed")
    return 0
