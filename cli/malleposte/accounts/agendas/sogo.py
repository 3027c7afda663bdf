"""The store of SOGo: read from its tables, written by its own tool (`sogo-tool restore`), for its indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from malleposte.accounts.agendas.model import (
    MAIN,
    Collection,
    Entry,
    Item,
    Kind,
    Place,
    collected,
    components,
    fit_name,
    newer,
)
from malleposte.adapters.sogo import CALENDAR, CONTACTS, changes, folders, rights, room, tool

MODULES = {Kind.AGENDA: CALENDAR, Kind.CONTACTS: CONTACTS}
PUBLISHER = "malleposte-calendars"
"""The owner of the published calendars (`groupware.published`): no agent, and nobody can log in by that name."""
TITLES = {Kind.AGENDA: "Agenda personnel", Kind.CONTACTS: "Carnet d'adresses personnel"}
"""As SOGo names them itself in French."""
UNKNOWN = {"VJOURNAL", "VLIST"}
"""SOGo has no journals; its lists of contacts are nobody else's, and stay."""
Sql = Callable[[str, str], str]
"""(database, statements) -> what they print."""


class SogoStore:
    """SOGo's agendas and address books, for root on the host of its database and its tool."""

    name = "sogo"
    flat = False

    def __init__(self, database: str, sql: Sql, put: tool.Restore = tool.restore) -> None:
        """`database`: its name."""
        self.sql, self.put = partial(sql, database), put

    def read(self, uid: str) -> list[Collection]:
        """See Store."""
        kinds = {module: kind for kind, module in MODULES.items()}
        titles: dict[tuple[Kind, str], str] = {}
        items: dict[tuple[Kind, str], list[Item]] = {}
        for row in folders.items(self.sql, uid):
            place = kinds[row["module"]], str(row["folder"])
            titles[place] = str(row["title"] or "") if place[1] != MAIN else ""
            listed = items.setdefault(place, [])
            if row["name"] is not None and not components(row["text"]) & UNKNOWN:
                listed.append(Item(str(row["name"]), str(row["text"]), float(row["changed"])))
        return [Collection(*place, titles[place], collected(listed)) for place, listed in items.items()]

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store. The tool passes over names that are there, so what is older goes first.

        It puts the rights of its file in the place of those that a collection has: the file says the same again.
        """
        before = {one.place: one for one in self.read(uid)}
        tables: dict[str, dict[str, Any]] = {}
        older: list[Collection] = []
        for one in collections:
            there = before.get(one.place, Collection(one.kind, one.name))
            items = {
                key: item for key, item in one.items.items()
                if newer(item, there.items.get(key)) and not components(item.text) & UNKNOWN
            }  # fmt: skip
            older.append(there.only(items))
            if items or one.place not in before:
                title = one.title or (TITLES[one.kind] if one.name == MAIN else one.name)
                tables[f"{MODULES[one.kind]}/{one.name}"] = tool.folder(title, _texts(one.kind, items, there), {})
        if tables:
            for place, roles in rights.of_owner(self.sql, uid).items():
                tables.get(place, {})["acl"] = roles
            self.remove(uid, older)
            tool.write(self.put, uid, tables)

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store."""
        gone = [
            {"module": MODULES[one.kind], "folder": one.name, "name": item.name,
             "digest": hashlib.sha256(item.text.encode()).hexdigest()}
            for one in collections for item in one.items.values()
        ]  # fmt: skip
        folders.delete(self.sql, uid, gone)

    def forget(self, uid: str) -> None:
        """See Store. Folders stay, with their titles and rights, for an agent who returns to the class."""
        folders.forget(self.sql, uid)

    def titles(self, uid: str) -> dict[str, str]:
        """See Agendas."""
        there = folders.find(self.sql, uid, CALENDAR)
        return {name: "" if name == MAIN else one.title for name, one in there.items()}

    def changed(self, places: Sequence[Place], most: int) -> dict[Place, list[Entry]]:
        """See Agendas."""
        entries: dict[Place, list[Entry]] = {}
        for row in changes.events(self.sql, [(one.owner, one.name, int(one.after)) for one in places], most):
            listed = entries.setdefault(places[int(row["number"])], [])
            if row["name"] is not None:
                key = str(row["uid"] or "").strip() or str(row["name"])
                listed.append(Entry(str(row["name"]), key, float(row["changed"])))
        return entries

    def texts(self, place: Place, names: Sequence[str]) -> dict[str, str]:
        """See Agendas."""
        return changes.texts(self.sql, place.owner, place.name, names)

    def octets(self, uid: str) -> int:
        """See Agendas."""
        return room.taken(self.sql, uid)

    def holders(self) -> set[str]:
        """See Store."""
        return folders.owners(self.sql) - {PUBLISHER}


def _texts(kind: Kind, items: dict[str, Item], there: Collection) -> dict[str, str]:
    """Return the texts of items, under the names they have here, else their own."""
    taken = {item.name for key, item in there.items.items() if key not in items}
    texts = {}
    for key, item in items.items():
        same = there.items.get(key)
        name = same.name if same else fit_name(item, kind, taken)
        taken.add(name)
        texts[name] = item.text
    return texts
