"""The agendas of functional boxes in SOGo, and the address books of teams: one a box, in the lists of its members.

Delegates write in it, readers read. A delegation or a box that ends closes it first; then it leaves the lists. What it
holds stays, until the data of the box are removed: who gives a box its agenda again finds the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from malleposte.accounts.agendas.model import MAIN
from malleposte.adapters.sogo import CALENDAR, CONTACTS, Forget, Sql, rights, tool
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.loops import named
from malleposte.directory.model import State
from malleposte.groupware.sogo import closed, subscriptions
from malleposte.groupware.sogo.offers import Listed, Offers
from malleposte.groupware.sogo.reading import Reading

COLOUR = "#6e445a"


@dataclass(frozen=True)
class Part:
    """A folder that a box has in SOGo: module, title, roles of delegates and of readers, colour, the table of offers.

    In an agent's list SOGo writes the name of the box behind the title. `noun` names it to operators; `only`: an
    attribute that such a box has.
    """

    module: str
    noun: str
    title: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    table: str
    colour: str = ""
    only: str = "mpAgenda"


AGENDA = Part(
    CALENDAR,
    "agenda",
    "Agenda",
    ("ObjectCreator", "ObjectEraser", "PublicModifier", "ConfidentialModifier", "PrivateModifier"),
    ("PublicViewer", "ConfidentialViewer", "PrivateViewer"),
    "malleposte_box_agendas",
    COLOUR,
)
BOOK = Part(
    CONTACTS,
    "address book",
    "Carnet d’adresses",
    ("ObjectCreator", "ObjectEraser", "ObjectEditor", "ObjectViewer"),
    ("ObjectViewer",),
    "malleposte_team_books",
    only="mpTeam",
)


@dataclass(frozen=True)
class Box:
    """A functional box that has an agenda, and its delegates and readers who have SOGo (uids)."""

    uid: str
    delegates: frozenset[str]
    readers: frozenset[str] = frozenset()

    def rights(self, part: Part = AGENDA) -> list[tuple[str, str]]:
        """Return the rights by uid. With the system's default roles, colleagues would see the hours."""
        writing = [(uid, role) for uid in sorted(self.delegates) for role in part.writes]
        reading = [(uid, role) for uid in sorted(self.readers - self.delegates) for role in part.reads]
        return [(ANYBODY, NOTHING), *writing, *reading]


def read(reading: Reading, part: Part = AGENDA) -> tuple[list[Box], list[str]]:
    """Return the boxes with this part (`mpAgenda`; teams), and the uids of those without. Raises MallepostError."""
    shared = {
        uid
        for uid, one in reading.boxes.items()
        if one.get("mpAgenda") == ["TRUE"] and part.only in one and one.get("mpState") != [State.SUSPENDED.value]
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
    boxes: Sequence[Box], others: Iterable[str], sql: Sql, forget: Forget, now: float,
    put: tool.Restore = tool.restore, part: Part = AGENDA,
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """Bring SOGo to the boxes of the directory; each one that changed, and what went wrong with it, if anything did.

    `others`: the boxes without this part (uids). `now`: seconds.
    """

    def listed(uid: str) -> Listed:
        return Listed(uid, subscriptions.reference(uid, MAIN, part.module), part.colour)

    offers = Offers(sql, forget, part.table)
    offered = offers.read()
    there, waiting = closed.make({box.uid: part.title for box in boxes}, sql, put, part.module)
    boxes = [box for box in boxes if box.uid not in waiting]
    pairs = {there[box.uid]: box.rights(part) for box in boxes if box.uid in there}
    pairs |= {folder: [(ANYBODY, NOTHING)] for folder in closed.find(others, sql, part.module).values()}
    changed = {folder.owner for folder in rights.keep_all(sql, forget, pairs)}
    for box in boxes:
        faults: list[str] = []
        with named(faults.append):
            if box.uid not in there:
                faults.append(f"SOGo made no {part.noun} of it")
            elif offers.keep(listed(box.uid), box.delegates | box.readers, offered.get(box.uid, {}), int(now)):
                changed.add(box.uid)
        yield from ((box.uid, fault) for fault in faults)
    for uid in offered.keys() - {box.uid for box in boxes}:
        faults = []
        with named(faults.append):
            offers.end(listed(uid), offered[uid].keys())
            changed.add(uid)
        yield from ((uid, fault) for fault in faults)
    yield from ((uid, "") for uid in sorted(changed))
