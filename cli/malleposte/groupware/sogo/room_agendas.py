"""The agendas of rooms and equipment in SOGo: made before anybody books, with the rights to book.

SOGo refuses an invitation of a room to whoever has no right on its agenda. Of an agenda that is not there yet, it has
no rights to look at: until the job has been there, a new room takes anybody. The right to book shows the busy hours
and nothing else. It is one for all classes of events, since SOGo looks for conflicts with the rights of the agent who
books.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from malleposte.adapters.sogo import Forget, Sql, rights, tool
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.directory.model import EVERYONE, SCHOOL, State
from malleposte.directory.query import All, Equal, Values
from malleposte.groupware.sogo import closed
from malleposte.groupware.sogo.reading import Reading, codes
from malleposte.lists.rule import agents_of, from_url

_ACTIVE = All((Equal("objectClass", "mpResource"), Equal("mpState", State.ACTIVE.value)))
BOOKS = ("PublicDAndTViewer", "ConfidentialDAndTViewer", "PrivateDAndTViewer")


@dataclass(frozen=True)
class Room:
    """A room or equipment as SOGo is told of it; `bookers` are uids, None is everybody."""

    uid: str
    title: str
    bookers: frozenset[str] | None


def read(reading: Reading) -> list[Room]:
    """Return the rooms of the directory with the agents who may book each. Raises MallepostError.

    Schools and rules are looked up again each time.
    """
    entries = [one for one in reading.search(_ACTIVE, ("uid", "cn", "mpBooker", "mpEstablishment")) if "uid" in one]
    agents = reading.agents if entries else {}
    by_rule: dict[str, frozenset[str]] = {}
    for url in {word for one in entries for word in one.get("mpBooker", ()) if word.startswith("ldap:")}:
        by_rule[url] = frozenset(agents_of(from_url(url, reading.base), reading.search)) & agents.keys()
    return [Room(one["uid"][0], one.get("cn", one["uid"])[0], _bookers(one, agents, by_rule)) for one in entries]


def _bookers(
    room: Values, agents: Mapping[str, Values], by_rule: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    words = set(room.get("mpBooker", ()))
    if EVERYONE in words:
        return None
    bookers = frozenset(words & agents.keys()).union(*(by_rule[word] for word in words & by_rule.keys()))
    if SCHOOL not in words:
        return bookers
    schools = {*codes(room)}
    return bookers | {uid for uid, one in agents.items() if not schools.isdisjoint(codes(one))}


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
