"""The agendas of rooms and equipment in SOGo: made before anybody books, with the rights to book.

SOGo refuses an invitation of a room to whoever has no right on its agenda. Of an agenda that is not there yet, it has
no rights to look at: until the job has been there, a new room takes anybody. The right to book shows the busy hours
and nothing else. It is one for all classes of events, since SOGo looks for conflicts with the rights of the agent who
books.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from malleposte.accounts.agendas import closed, rights
from malleposte.accounts.agendas.model import MAIN
from malleposte.accounts.agendas.rights import ANYBODY, NOTHING, Forget, Sql
from malleposte.accounts.agendas.sogo import Restore, restore

BOOKS = ("PublicDAndTViewer", "ConfidentialDAndTViewer", "PrivateDAndTViewer")


@dataclass(frozen=True)
class Room:
    """A room or equipment as SOGo is told of it; `bookers` are uids, None is everybody."""

    uid: str
    title: str
    bookers: frozenset[str] | None


def place(rooms: Sequence[Room], sql: Sql, forget: Forget, put: Restore = restore) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the rooms of the directory; each one that changed, and what went wrong with it, if anything did."""
    held = closed.make({room.uid: room.title for room in rooms}, sql, put)
    for room in rooms:
        if room.uid not in held:
            yield room.uid, "SOGo made no agenda of it"
        elif rights.keep(sql, forget, rights.Agenda(held[room.uid], room.uid, MAIN), _rights(room)):
            yield room.uid, ""


def _rights(room: Room) -> list[tuple[str, str]]:
    if room.bookers is None:
        return [(ANYBODY, role) for role in BOOKS]
    return [(ANYBODY, NOTHING), *((uid, role) for uid in sorted(room.bookers) for role in BOOKS)]
