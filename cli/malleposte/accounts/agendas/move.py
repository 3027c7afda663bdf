"""Move an agent's agendas and contacts between stores, so that it may be interrupted and done again at any point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from malleposte.accounts.agendas.model import Agendas, Collection, Kind, Store, fit_place, merged
from malleposte.core.errors import MallepostError
from malleposte.platform.classes import Class


@dataclass(frozen=True)
class Moved:
    """The number of items moved: events and tasks, contacts; and of those that the new store cannot hold."""

    agenda: int = 0
    contacts: int = 0
    left: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything."""
        return bool(self.agenda or self.contacts or self.left)


def move(uid: str, sources: Sequence[Store], targets: Sequence[Store]) -> Moved:
    """All that the sources hold of an agent goes to the targets, then leaves the sources.

    Nothing leaves a source that the first target does not show, nor what was changed there meanwhile. Of an item that
    is on both sides the later changed stays. No device asks the sources any more, which forget what went.
    """
    contents = [(store, store.read(uid)) for store in sources]
    if not any(one.items for _store, collections in contents for one in collections):
        _forget(uid, sources)
        return Moved()
    homes = {
        (one.kind, key): one.name
        for store, collections in [*contents, (targets[0], targets[0].read(uid))] if not store.flat
        for one in collections for key in one.items
    }  # fmt: skip
    parted = [(store, [part for one in collections for part in (_parted(one, homes) if store.flat else [one])])
              for store, collections in contents]  # fmt: skip
    combined = merged(one for _store, collections in parted for one in collections)
    for target in targets:
        target.add(uid, combined)
    there = {one.place: one.items.keys() for one in targets[0].read(uid)}
    for store, collections in parted:
        store.remove(uid, [one.only(there.get((one.kind, fit_place(one.name)), ())) for one in collections])
    _forget(uid, sources)
    counts = dict.fromkeys(Kind, 0)
    left = 0
    for one in combined:
        gone = len(one.items.keys() & there.get(one.place, set()))
        counts[one.kind] += gone
        left += len(one.items) - gone
    return Moved(counts[Kind.AGENDA], counts[Kind.CONTACTS], left)


def _forget(uid: str, sources: Sequence[Store]) -> None:
    """Also where nothing was moved: the move before may have been interrupted here."""
    for store in sources:
        store.forget(uid)


def _parted(one: Collection, homes: Mapping[tuple[Kind, str], str]) -> list[Collection]:
    """A flat store's contacts by the address books that the other stores have them in, so that none is there twice."""
    names = {key: homes.get((one.kind, key), one.name) for key in one.items}
    parts = dict.fromkeys(names.values())
    return [replace(one, name=part).only(key for key, name in names.items() if name == part) for part in parts]


class Stores:
    """The stores of this host."""

    def __init__(self, stores: Sequence[Store], classes: Mapping[str, Class]) -> None:
        """`stores`: those that are here; `classes` of the platform say which stores an agent has."""
        self.classes = classes
        self._by_name = {store.name: store for store in stores}

    def settle(self, uid: str, profile: str) -> Moved:
        """Bring an agent's agendas and contacts to the stores of a class.

        Raises MallepostError when one of these is not on this host: nothing is moved then.
        """
        if profile not in self.classes:
            raise MallepostError(f"{profile} is no class of this platform: they stay where they are")
        names = self.classes[profile].stores
        missing = next((name for name in names if name not in self._by_name), "")
        if missing:
            raise MallepostError(f"{missing} is not on this host: they stay where they are")
        sources = [store for name, store in self._by_name.items() if name not in names]
        return move(uid, sources, [self._by_name[name] for name in names])

    def main(self, profile: str) -> Store:
        """Return the store in which agents of a class have their agendas. Raises MallepostError."""
        for name in self.classes[profile].stores if profile in self.classes else ():
            if name in self._by_name and not self._by_name[name].flat:
                return self._by_name[name]
        raise MallepostError(f"the agendas of the class {profile!r} are not on this host")

    def changes(self, profile: str) -> Agendas:
        """Return the same, for whoever looks for new events; without a class, that of functional boxes.

        Raises MallepostError.
        """
        if profile:
            return cast("Agendas", self.main(profile))
        if "sogo" not in self._by_name:
            raise MallepostError("the agendas of functional boxes are not on this host")
        return cast("Agendas", self._by_name["sogo"])

    def every(self) -> list[Store]:
        """Return the stores of agendas."""
        return [store for store in self._by_name.values() if not store.flat]

    def holders(self) -> dict[str, list[str]]:
        """Return the accounts that have something in each store."""
        return {name: sorted(store.holders()) for name, store in self._by_name.items()}

    def astray(self, profiles: Mapping[str, str]) -> list[str]:
        """Return those of these accounts (uid: class) that have something in a store of another class."""
        return astray(self.holders(), profiles, self.classes)


def astray(
    holders: Mapping[str, Iterable[str]], profiles: Mapping[str, str], classes: Mapping[str, Class]
) -> list[str]:
    """Return those of these accounts (uid: class) that have something in a store of another class."""
    misplaced: set[str] = set()
    for name, uids in holders.items():
        misplaced |= {
            uid for uid in uids
            if (own := classes.get(profiles.get(uid, ""))) is not None and name not in own.stores
        }  # fmt: skip
    return sorted(misplaced)
