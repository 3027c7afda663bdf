"""Bring the published calendars into SOGo, as its user (role sogo).

Usage: sogo-calendars BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

The calendars are for those of their agents who have SOGo: whose class is one of these, or every agent where none is
said. The password for the directory comes from systemd.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from malleposte.groupware import jobs as groupware
from malleposte.groupware.published import job
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.published.sogo import Engine


def main(words: Sequence[str]) -> int:
    """The exit code."""
    ways = groupware.ways(words)
    if ways is None:
        print(f"usage: sogo-calendars {groupware.USAGE}", file=sys.stderr)
        return 2

    def engine(shown: Sequence[Shown], items: Items) -> int:
        everybody = frozenset(groupware.agents(ways.search, ways.profiles))
        return Engine(ways.sql, ways.forget).place(shown, items, everybody, time.time())

    return job.run("SOGo", engine)
