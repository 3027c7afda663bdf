"""Give functional boxes their agendas in SOGo, as its user (role sogo).

Usage: sogo-boxes BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

A box that has an agenda (`mpAgenda`) is shared by its delegates: agents of these classes, who have SOGo, whose own
entry names the box (`mpOpens`). The password for the directory comes from systemd.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from malleposte.calendars import boxes, groupware
from malleposte.calendars.boxes import Box
from malleposte.directory.model import State
from malleposte.directory.query import Equal, Present, Search
from malleposte.errors import MallepostError
from malleposte.platform.identity import is_uid


def known(search: Search, profiles: Sequence[str]) -> tuple[list[Box], list[str]]:
    """The boxes with an agenda, and the uids of those without. Raises MallepostError."""
    found = search(Equal("objectClass", "mpFunctionalBox"), ("uid", "mpAgenda", "mpState"))
    entries = {one["uid"][0]: one for one in found if "uid" in one and is_uid(one["uid"][0])}
    shared = {
        uid
        for uid, one in entries.items()
        if one.get("mpAgenda") == ["TRUE"] and one.get("mpState") != [State.SUSPENDED.value]
    }
    agents = groupware.agents(search, profiles, "mpOpens", who=Present("mpOpens")) if shared else {}
    delegates: dict[str, set[str]] = {uid: set() for uid in shared}
    for agent, entry in agents.items():
        for uid in shared.intersection(entry.get("mpOpens", ())):
            delegates[uid].add(agent)
    return [Box(uid, frozenset(delegates[uid])) for uid in sorted(shared)], sorted(entries.keys() - shared)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    ways = groupware.ways(words)
    if ways is None:
        print(f"usage: sogo-boxes {groupware.USAGE}", file=sys.stderr)
        return 2
    failed = 0
    try:
        shared, others = known(ways.search, ways.profiles)
        for uid, fault in boxes.place(shared, others, ways.sql, ways.forget, time.time()):
            print(f"<4>{uid}: {fault}" if fault else f"{uid}: its agenda follows its delegates", file=sys.stderr)
            failed |= bool(fault)
    except (MallepostError, OSError) as error:
        print(f"<3>the agendas of functional boxes are as they were: {error}", file=sys.stderr)
        return 1
    return failed
