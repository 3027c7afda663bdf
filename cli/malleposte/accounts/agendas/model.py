"""Agendas and address books as they pass from store to store.

Items, each a text of iCalendar (RFC 5545) or vCard (RFC 6350).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

MAIN = "personal"
"""The name, between stores, of the agenda and of the address book that everybody has."""
_FIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}")
_FOLDED = re.compile(r"\r?\n[ \t]")
_UID = re.compile(r"^UID(?:;[^:\r\n]*)?:[ \t]*(\S[^\r\n]*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_BEGIN = re.compile(r"^BEGIN:([A-Z-]+)", re.MULTILINE | re.IGNORECASE)


class Kind(StrEnum):
    """The kind of a collection's items."""

    AGENDA = "agenda"
    CONTACTS = "contacts"


@dataclass(frozen=True)
class Item:
    """An event, a task or a contact: its name as DAV shows it, its text, when it was last changed (seconds)."""

    name: str
    text: str
    changed: float

    @property
    def key(self) -> str:
        """The key of an item in its collection, whatever the store calls it: its UID."""
        return uid_of(self.text) or self.name


@dataclass(frozen=True)
class Collection:
    """An agenda or an address book: name, title (empty: the store's own), items by key."""

    kind: Kind
    name: str
    title: str = ""
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def place(self) -> tuple[Kind, str]:
        """The key of a collection among its owner's others."""
        return self.kind, self.name

    def only(self, keys: Iterable[str]) -> Collection:
        """The same with these items alone."""
        chosen = set(keys)
        return replace(self, items={key: item for key, item in self.items.items() if key in chosen})


@dataclass(frozen=True)
class Entry:
    """An event as a list of changes has it: its name as DAV shows it, its key (`Item.key`), its last change (s)."""

    name: str
    key: str
    changed: float


@dataclass(frozen=True)
class Place:
    """An agenda, and the second from which its changes are looked for."""

    owner: str
    name: str
    after: float = 0.0


class Agendas(Protocol):
    """A store, for whoever looks at its agendas without moving them. Methods raise what those of Store do."""

    def titles(self, uid: str) -> dict[str, str]:
        """The agendas of an agent, their titles by name; an empty title is the store's own."""

    def changed(self, places: Sequence[Place], most: int) -> dict[Place, list[Entry]]:
        """The events that changed, the first first, `most` of each agenda; an agenda that is not there is left out."""

    def texts(self, place: Place, names: Sequence[str]) -> dict[str, str]:
        """The texts of events by name, of those that are there."""

    def octets(self, uid: str) -> int:
        """Return what the agendas and address books of an agent take of their room (`malleposte_agenda.room_mb`)."""


class Store(Protocol):
    """A store, of all agents. Everything here raises MallepostError or OSError where the store does not answer."""

    name: str
    flat: bool
    """Whether it has one place for all contacts, so that it does not know which address book one is of."""

    def read(self, uid: str) -> list[Collection]:
        """All that it holds of an agent."""

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        """Put what is not there, or is older there. What the store cannot hold is left out."""

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        """Take away the items that still are as they were read."""

    def forget(self, uid: str) -> None:
        """Remove what is left of items that are gone: their texts for devices that ask what went, their alarms."""

    def holders(self) -> set[str]:
        """The owner and the items of a store."""


def unfolded(text: str) -> str:
    """The text with a property a line (RFC 5545, 3.1)."""
    return _FOLDED.sub("", text).replace("\r\n", "\n")


def uid_of(text: str) -> str:
    """The UID of an item; empty when it has none."""
    match = _UID.search(unfolded(text))
    return match[1] if match else ""


def components(text: str) -> set[str]:
    """The components of a text, such as VEVENT, in capitals."""
    return {name.upper() for name in _BEGIN.findall(text)}


def collected(items: Iterable[Item]) -> dict[str, Item]:
    """Items by key; of two with one key, the later changed."""
    by_key: dict[str, Item] = {}
    for item in items:
        present = by_key.get(item.key)
        if present is None or item.changed > present.changed:
            by_key[item.key] = item
    return by_key


def merged(collections: Iterable[Collection]) -> list[Collection]:
    """Collections of several stores as one: by place, the later changed of each item, the first title that there is.

    Names that another store could not bear are replaced, and kept as titles.
    """
    by_place: dict[tuple[Kind, str], Collection] = {}
    for one in collections:
        name = fit_place(one.name)
        collection = by_place.get((one.kind, name), Collection(one.kind, name))
        items = collected([*collection.items.values(), *one.items.values()])
        title = collection.title or one.title or (one.name if name != one.name else "")
        by_place[collection.place] = replace(collection, title=title, items=items)
    return list(by_place.values())


def newer(item: Item, present: Item | None) -> bool:
    """Whether an item is to be put where `present` is."""
    return present is None or (item.changed > present.changed and item.text.split() != present.text.split())


def fit_name(item: Item, kind: Kind, taken: Iterable[str] = ()) -> str:
    """A name for an item in another store: its own, where that is a plain one that no other has."""
    if _FIT.fullmatch(item.name) and item.name not in taken:
        return item.name
    digest = hashlib.sha256(item.key.encode()).hexdigest()[:32]
    return f"{digest}.{'ics' if kind == Kind.AGENDA else 'vcf'}"


def fit_place(name: str) -> str:
    """A name for a collection in another store."""
    return name if _FIT.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]
