"""Main agendas and address books in SOGo of entries that are no agents, such as rooms: made closed.

Nobody logs in to make them. SOGo's tool ends before any right can be there, so the folder it makes is closed to all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from malleposte.accounts.agendas.model import MAIN
from malleposte.adapters.sogo import CALENDAR, Sql, folders, tool
from malleposte.adapters.sogo.folders import Folder
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.runtime import kit

AT_ONCE = 200
"""Folders that one run makes, so that other changes do not wait for all: SOGo's tool takes a second for each."""


def find(owners: Iterable[str], sql: Sql, module: str = CALENDAR) -> dict[str, Folder]:
    """Return the main agendas (or address books) of these owners, by owner; of those that have one."""
    return folders.named(sql, owners, MAIN, module)


def make(
    titles: Mapping[str, str], sql: Sql, put: tool.Restore, module: str = CALENDAR
) -> tuple[dict[str, Folder], set[str]]:
    """Make the folders that are missing; return all that there are then, and the owners whose turn comes next time.

    `titles`: of the folders, by owner. One that SOGo does not take, as of an owner that left meanwhile, is told; it is
    in neither answer.
    """
    before = find(titles, sql, module)
    missing = iter([uid for uid in titles if uid not in before])
    new = [*itertools.islice(missing, AT_ONCE)]
    for uid in new:
        with named(lambda line: kit.say(f"<4>{line}"), uid):
            tool.write(put, uid, {f"{module}/{MAIN}": tool.folder(titles[uid], {}, {ANYBODY: [NOTHING]})})
    return find(titles, sql, module) if new else before, {*missing}
