"""The agendas of functional boxes in SOGo: one a box, in the list of its delegates, who write in it,
and of its readers.

A delegation or a box that ends closes the agenda first; then it leaves the list. The events stay, until the data of the
box are removed: who gives a box its agenda again finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from malleposte.accounts.agendas.model import MAIN
from malleposte.adapters.sogo import Forget, Sql, rights, tool
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.directory.model import State
from malleposte.groupware.sogo import closed, subscriptions
from malleposte.groupware.sogo.offers import Listed, Offers
from malleposte.groupware.sogo.reading import Reading

WRITES = ("ObjectCreator", "ObjectEraser", "PublicModifier", "ConfidentialModifier", "PrivateModifier")
TITLE = "Agenda"
"""In an agent's list SOGo writes the name of the box behind it."""
READS = ("PublicViewer", "ConfidentialViewer", "PrivateViewer")
COLOUR = "#6e445a"
TABLE = "malleposte_box_agendas"


@dataclass(frozen=True)
class Box:
    """A functional box that has an agenda, and its delegates and readers who have SOGo (uids)."""

    uid: str
    delegates: frozenset[str]
    readers: frozenset[str] = frozenset()

    def rights(self) -> list[tuple[str, str]]:
        """Return the rights by uid. With the system's default roles, colleagues would see the hours."""
        writing = [(uid, role) for uid in sorted(self.delegates) for role in WRITES]
        reading = [(uid, role) for uid in sorted(self.readers - self.delegates) for role in READS]
        return [(ANYBODY, NOTHING), *writing, *reading]


def read(reading: Reading) -> tuple[list[Box], list[str]]:
    """Return the boxes with an agenda (`mpAgenda`), and the uids of those without. Raises MallepostError."""
    shared = {
        uid
        for uid, one in reading.boxes.items()
        if one.get("mpAgenda") == ["TRUE"] and one.get("mpState") != [State.SUSPENDED.value]
    }
    members: dict[str, dict[str, set[str]]] = {name: {uid: set() for uid in shared} for name in ("mpOpens", "mpReads")}
    for agent, entry in (reading.agents if shared else {}).items():
        for name, of_box in members.items():
            for uid in shared.intersection(entry.get(name, ())):
                of_box[uid].add(agent)
    agendas = [
        Box(uid, frozenset(members["mpOpens"][uid]), frozenset(members["mpReads"][uid])) for uid in sorted(shared)
    ]
    return agendas, sorted(reading.boxes.keys() - shared)


def place(
    boxes: Sequence[Box], others: Iterable[str], sql: Sql, forget: Forget, now: float, put: tool.Restore = tool.restore
) -> Iterator[tuple[str, str]]:
    """Bring SOGo to the boxes of the directory; each one that changed, and what went wrong with it, if anything did.

    `others`: the boxes without an agenda (uids). `now`: seconds.
    """
    offers = Offers(sql, forget, TABLE)
    offered = offers.read()
    agendas, waiting = closed.make({box.uid: TITLE for box in boxes}, sql, put)
    boxes = [box for box in boxes if box.uid not in waiting]
    pairs = {agendas[box.uid]: box.rights() for box in boxes if box.uid in agendas}
    pairs |= {agenda: [(ANYBODY, NOTHING)] for agenda in closed.find(others, sql).values()}
    changed = {agenda.owner for agenda in rights.keep_all(sql, forget, pairs)}
    for box in boxes:
        faults: list[str] = []
        with named(faults.append):
            if box.uid not in agendas:
                faults.append("SOGo made no agenda of it")
            elif offers.keep(_listed(box.uid), box.delegates | box.readers, offered.get(box.uid, {}), int(now)):
                changed.add(box.uid)
        yield from ((box.uid, fault) for fault in faults)
    for uid in offered.keys() - {box.uid for box in boxes}:
        faults = []
        with named(faults.append):
            offers.end(_listed(uid), offered[uid].keys())
            changed.add(uid)
        yield from ((uid, fault) for fault in faults)
    yield from ((uid, "") for uid in sorted(changed))


def _listed(uid: str) -> Listed:
    return Listed(uid, subscriptions.reference(uid, MAIN), COLOUR)
