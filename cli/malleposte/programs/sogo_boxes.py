"""Give functional boxes their agendas in SOGo, as its user (role sogo).

Usage: sogo-boxes BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

A box that has an agenda (`mpAgenda`) is shared by its delegates: agents of these classes, who have SOGo, whose own
entry names the box (`mpOpens`). The password for the directory comes from systemd.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from malleposte.directory.model import State
from malleposte.directory.query import Equal, Present, Search
from malleposte.groupware import boxes
from malleposte.groupware import jobs as groupware
from malleposte.groupware.boxes import Box
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

    def work(ways: groupware.Ways) -> Iterable[tuple[str, str]]:
        return boxes.place(*known(ways.search, ways.profiles), ways.sql, ways.forget, time.time())

    stay = "the agendas of functional boxes are as they were"
    return groupware.run("sogo-boxes", words, work, stay, changed="its agenda follows its delegates")
