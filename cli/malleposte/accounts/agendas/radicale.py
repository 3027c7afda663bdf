"""The store of Radicale (its multifilesystem storage, under its lock): a folder a collection, a file an item."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
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
    fit_place,
    newer,
    uid_of,
)
from malleposte.accounts.agendas.room import taken
from malleposte.platform import locks
from malleposte.runtime import owner

LOCK = ".Radicale.lock"
LARGEST = 1 << 20
"""Octets of an item in which events are looked for."""
MODE = 0o640
"""Of the files, as Radicale makes them."""
PROPERTIES = ".Radicale.props"
TITLE = "D:displayname"
TAGS = {Kind.AGENDA: "VCALENDAR", Kind.CONTACTS: "VADDRESSBOOK"}
OWN = {(Kind.AGENDA, MAIN): "agenda", (Kind.CONTACTS, MAIN): "contacts"}
"""Radicale's names for the collections that everybody has (role radicale, `radicale_collections`)."""
FIRST = {Kind.AGENDA: "Agenda", Kind.CONTACTS: "Contacts"}
Check = Callable[[str, str], str | None]
"""(text, tag) -> the text as Radicale would keep it, or None when it would not."""


def as_kept(text: str, tag: str) -> str | None:
    """Return a text as Radicale keeps what a device puts, None where it would not; without Radicale here, unchanged.

    Rules that nobody could walk through are refused before: Radicale walks through them here as well.
    """
    try:
        radicale: Any = importlib.import_module("radicale.item")
    except ImportError:
        return "\r\n".join(text.splitlines()) + "\r\n"
    try:
        items = radicale.read_components(text)
        recurrence = importlib.import_module("malleposte.accounts.agendas.recurrence")
        for one in items:
            recurrence.check_item(one)
        radicale.check_and_sanitize_items(items, tag=tag)
        return str(items[0].serialize()) if len(items) == 1 else None
    except Exception:  # noqa: BLE001  # vobject raises whatever its parsers meet
        return None


class Radicale:
    """Radicale's collections, for root, as their owner (`owner`)."""

    name = "radicale"
    flat = False

    def __init__(self, root: Path, check: Check = as_kept) -> None:
        """`root`: its folder collection-root."""
        self.root, self.check = root, check

    @contextlib.contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        """Radicale waits; inside, files are touched as its user."""
        with owner.as_owner(self.root), locks.waited(self.root.parent / LOCK, shared=shared):
            yield

    def _folders(self, uid: str) -> Iterator[tuple[Path, Kind, dict[str, Any]]]:
        base = self.root / uid
        for folder in sorted(base.iterdir()) if owner.folder(base) else []:
            file = folder / PROPERTIES
            if folder.name.startswith(".") or not owner.folder(folder) or not owner.plain(file):
                continue
            properties = json.loads(owner.read(file))
            for kind, tag in TAGS.items():
                if properties.get("tag") == tag:
                    yield folder, kind, properties

    @staticmethod
    def _items(folder: Path) -> Iterator[Item]:
        for path in sorted(folder.iterdir()):
            if owner.plain(path) and not path.name.startswith("."):
                yield Item(path.name, owner.read(path).decode("utf-8", "replace"), path.lstat().st_mtime)

    def read(self, uid: str) -> list[Collection]:
        """See Store."""
        with owner.as_owner(self.root):
            if not owner.folder(self.root / uid):
                return []
        with self._locked(shared=True):
            return [self._collection(*one) for one in self._folders(uid)]

    def _collection(self, folder: Path, kind: Kind, properties: dict[str, Any]) -> Collection:
        mine = next((place for place, name in OWN.items() if (place[0], name) == (kind, folder.name)), None)
        title = "" if mine else str(properties.get(TITLE, ""))
        return Collection(kind, mine[1] if mine else folder.name, title, collected(self._items(folder)))

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store."""
        chosen = [one for one in collections if one.place not in OWN]
        chosen += [next((one for one in collections if one.place == place), Collection(*place)) for place in OWN]
        with self._locked(shared=False):
            self.root.mkdir(mode=0o750, exist_ok=True)
            for one in chosen:
                if folder := self._make_folder(uid, one):
                    self._put(folder, one)

    def _make_folder(self, uid: str, one: Collection) -> Path | None:
        """The collection's folder; none where another one bears its name."""
        folder = self.root / uid / OWN.get(one.place, one.name)
        if one.place not in OWN and folder.name in OWN.values():
            return None
        for path in (folder.parent, folder):
            path.mkdir(mode=0o750, exist_ok=True)
        if not (folder / PROPERTIES).exists(follow_symlinks=False):
            properties = {"tag": TAGS[one.kind], TITLE: one.title or FIRST[one.kind]}
            if one.kind == Kind.AGENDA:
                properties["C:supported-calendar-component-set"] = "VEVENT,VTODO"
            owner.replace(folder / PROPERTIES, json.dumps(properties, ensure_ascii=False), mode=MODE)
        stored_properties = json.loads(owner.read(folder / PROPERTIES))
        return folder if stored_properties.get("tag") == TAGS[one.kind] else None

    def _put(self, folder: Path, one: Collection) -> None:
        present = collected(self._items(folder))
        for key, item in one.items.items():
            there = present.get(key)
            if not newer(item, there):
                continue
            text = item.text if uid_of(item.text) else _with_uid(item)
            content = self.check(text, TAGS[one.kind])
            if content is not None:
                names = (other.name for other_key, other in present.items() if other_key != key)
                path = folder / (there.name if there else fit_name(item, one.kind, names))
                owner.replace(path, content, mode=MODE, changed=item.changed)

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store."""
        gone = {one.place: one.items for one in collections}
        if not any(gone.values()):
            return
        with self._locked(shared=False):
            for folder, kind, properties in self._folders(uid):
                collection = self._collection(folder, kind, properties)
                for key, item in gone.get(collection.place, {}).items():
                    if collection.items.get(key) == item:
                        (folder / item.name).unlink()

    def forget(self, uid: str) -> None:
        """See Store. Radicale removes an item with its file; what it remembers are names, for a month."""

    def titles(self, uid: str) -> dict[str, str]:
        """See Agendas."""
        with owner.as_owner(self.root):
            if not owner.folder(self.root / uid):
                return {}
        with self._locked(shared=True):
            return {_named(folder): _title(folder, properties) for folder, kind, properties in self._folders(uid)
                    if kind == Kind.AGENDA}  # fmt: skip

    def changed(self, places: Sequence[Place], most: int) -> dict[Place, list[Entry]]:
        """See Agendas. The texts, which may be many, are read beside writers: Radicale exchanges each file whole."""
        with self._locked(shared=True):
            folders = ((place, self._folder_of(place)) for place in places)
            stamped = {place: _stamped(folder, place.after) for place, folder in folders if folder}
        with owner.as_owner(self.root):
            return {place: _events(files, most) for place, files in stamped.items()}

    def texts(self, place: Place, names: Sequence[str]) -> dict[str, str]:
        """See Agendas."""
        with self._locked(shared=True):
            folder = self._folder_of(place)
            plain = [name for name in names if name == Path(name).name and not name.startswith(".")]
            return {name: text for name in plain if folder and (text := _text(folder / name))}

    def octets(self, uid: str) -> int:
        """See Agendas."""
        with owner.as_owner(self.root):
            return taken(self.root / uid)

    def _folder_of(self, place: Place) -> Path | None:
        folders = self._folders(place.owner)
        return next((one for one, kind, _held in folders if kind == Kind.AGENDA and _named(one) == place.name), None)

    def holders(self) -> set[str]:
        """See Store."""
        with owner.as_owner(self.root):
            bases = list(self.root.iterdir()) if owner.folder(self.root) else []
            return {
                base.name for base in bases
                if not base.name.startswith(".")  # published calendars, which are no agent's
                and owner.folder(base) and any(_filled(folder) for folder, _kind, _held in self._folders(base.name))
            }  # fmt: skip


def _named(folder: Path) -> str:
    """The name of an agenda between stores."""
    return MAIN if folder.name == OWN[Kind.AGENDA, MAIN] else fit_place(folder.name)


def _title(folder: Path, properties: dict[str, Any]) -> str:
    return "" if _named(folder) == MAIN else str(properties.get(TITLE, ""))


def _stamped(folder: Path, after: float) -> list[tuple[float, Path]]:
    """Return the files of a folder that changed since then, the first first."""
    return sorted(
        (path.lstat().st_mtime, path) for path in folder.iterdir()
        if owner.plain(path) and not path.name.startswith(".") and path.lstat().st_mtime >= after
    )  # fmt: skip


def _events(stamped: Iterable[tuple[float, Path]], most: int) -> list[Entry]:
    entries: list[Entry] = []
    for changed, path in stamped:
        text = _text(path)
        if "VEVENT" in components(text):
            entries.append(Entry(path.name, uid_of(text) or path.name, changed))
        if len(entries) == most:
            break
    return entries


def _text(path: Path) -> str:
    """The text of an item; empty for a large one, for one that has gone meanwhile, and for what is none."""
    try:
        if not owner.plain(path) or path.lstat().st_size > LARGEST:
            return ""
        return owner.read(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _filled(folder: Path) -> bool:
    return any(not path.name.startswith(".") for path in folder.iterdir())


def _with_uid(item: Item) -> str:
    """The text with a UID, where its component begins: its name, which is what tells it elsewhere."""
    head, sign, rest = item.text.partition("BEGIN:VCARD")
    return f"{head}{sign}\r\nUID:{item.key}{rest}" if sign else item.text
