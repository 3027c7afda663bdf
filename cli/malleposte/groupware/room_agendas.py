"""The agendas of rooms and equipment in SOGo: made before anybody books, with the rights to book.

SOGo refuses an invitation of a room to whoever has no right on its agenda. Of an agenda that is not there yet, it has
no rights to look at: until the job has been there, a new room takes anybody. The right to book shows the busy hours
and nothing else. It is one for all classes of events, since SOGo looks for conflicts with the rights of the agent who
books.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from malleposte.adapters.sogo import Forget, Sql, rights, tool
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.groupware import closed

BOOKS = ("PublicDAndTViewer", "ConfidentialDAndTViewer", "PrivateDAndTViewer")


@dataclass(frozen=True)
class Room:
    """A room or equipment as SOGo is told of it; `bookers` are uids, None is everybody."""

    uid: str
    title: str
    bookers: frozenset[str] | None


def place(
    rooms: Sequence[Room], sql: Sql, forget: Forget, put: tool.Restore = tool.restore
) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the rooms of the directory; yield each one that changed, and its fault, if any."""
    agendas, waiting = closed.make({room.uid: room.title for room in rooms}, sql, put)
    for room in rooms:
        faults: list[str] = []
        changed = False
        with named(faults.append):
            if room.uid in agendas:
                changed = rights.keep(sql, forget, agendas[room.uid], _rights(room))
            elif room.uid not in waiting:
                faults.append("SOGo made no agenda of it")
        yield from ((room.uid, fault) for fault in faults or [""] if fault or changed)


def _rights(room: Room) -> list[tuple[str, str]]:
    if room.bookers is None:
        return [(ANYBODY, role) for role in BOOKS]
    return [(ANYBODY, NOTHING), *((uid, role) for uid in sorted(room.bookers) for role in BOOKS)]
