"""Move an agent's agendas and contacts between stores, so that it may be interrupted and done again at any point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from malleposte.accounts.agendas.model import Collection, Kind, Shelf, fit_place, merged
from malleposte.errors import MallepostError

CLASSES: Mapping[str, tuple[str, ...]] = {"convergence": ("sogo",), "roundcube": ("radicale", "roundcube")}
"""The stores of each class, the one that holds everything first."""


@dataclass(frozen=True)
class Moved:
    """How many items moved: events and tasks, contacts; and how many stayed, since the new store cannot hold them."""

    agenda: int = 0
    contacts: int = 0
    left: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything."""
        return bool(self.agenda or self.contacts or self.left)


def move(uid: str, sources: Sequence[Shelf], targets: Sequence[Shelf]) -> Moved:
    """All that the sources hold of an agent goes to the targets, then leaves the sources.

    Nothing leaves a source that the first target does not show, nor what was changed there meanwhile. Of an item that
    is on both sides the later changed stays.
    """
    found = [(shelf, shelf.read(uid)) for shelf in sources]
    if not any(one.items for _shelf, collections in found for one in collections):
        return Moved()
    homes = {
        (one.kind, key): one.name
        for shelf, collections in [*found, (targets[0], targets[0].read(uid))] if not shelf.flat
        for one in collections for key in one.items
    }  # fmt: skip
    parted = [(shelf, [part for one in held for part in (_parted(one, homes) if shelf.flat else [one])])
              for shelf, held in found]  # fmt: skip
    wanted = merged(one for _shelf, collections in parted for one in collections)
    for target in targets:
        target.add(uid, wanted)
    there = {one.place: one.items.keys() for one in targets[0].read(uid)}
    for shelf, collections in parted:
        shelf.remove(uid, [one.only(there.get((one.kind, fit_place(one.name)), ())) for one in collections])
    counts = dict.fromkeys(Kind, 0)
    left = 0
    for one in wanted:
        gone = len(one.items.keys() & there.get(one.place, set()))
        counts[one.kind] += gone
        left += len(one.items) - gone
    return Moved(counts[Kind.AGENDA], counts[Kind.CONTACTS], left)


def _parted(one: Collection, homes: Mapping[tuple[Kind, str], str]) -> list[Collection]:
    """A flat store's contacts by the address books that the other stores have them in, so that none is there twice."""
    names = {key: homes.get((one.kind, key), one.name) for key in one.items}
    parts = dict.fromkeys(names.values())
    return [replace(one, name=part).only(key for key, name in names.items() if name == part) for part in parts]


class Shelves:
    """The stores of this host."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        """`shelves`: those that are here."""
        self._by_name = {shelf.name: shelf for shelf in shelves}

    def settle(self, uid: str, profile: str) -> Moved:
        """Bring an agent's agendas and contacts to the stores of a class.

        Raises MallepostError when one of these is not on this host: nothing is moved then.
        """
        wanted = CLASSES.get(profile, ())
        missing = next((name for name in wanted or (profile,) if name not in self._by_name), "")
        if missing:
            raise MallepostError(f"{missing} is not on this host: they stay where they are")
        sources = [shelf for name, shelf in self._by_name.items() if name not in wanted]
        return move(uid, sources, [self._by_name[name] for name in wanted])

    def astray(self, profiles: Mapping[str, str]) -> list[str]:
        """Who of these (uid: class) has something in a store of another class."""
        found: set[str] = set()
        for name, shelf in self._by_name.items():
            found |= {
                uid for uid in shelf.holders() if uid in profiles and name not in CLASSES.get(profiles[uid], (name,))
            }
        return sorted(found)
