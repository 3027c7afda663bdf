"""Radicale's own storage, in which a collection stays what it was made, and published calendars are in agents' homes.

Radicale takes a change of its kind (PROPPATCH of ``resourcetype``) as of any other property, and without a kind nobody
has a right on it any more, its owner included. The kind is protected (RFC 4918, 15.9): such a request is refused whole.

A published calendar (malleposte.groupware.published) is one folder for all its agents. The home of each shows it as
``published-IDENT``, which the rights let everybody read and nobody write.

Radicale has no place at which a program may judge an item before it walks through its recurrences. So the function by
which it checks what is written is wrapped: `accounts.agendas.recurrence` refuses what would hold a thread for hours
(400).

One agent's description of a time zone counts for no other's agenda (`groupware.calendar_zones`).

One agent's agendas take no more of the disk than their room (`accounts.agendas.room`): what has none is refused (507).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import radicale.item
from radicale.storage import multifilesystem

from malleposte.accounts.agendas import recurrence, room
from malleposte.groupware import calendar_zones
from malleposte.groupware.published.places import FOLDER, PREFIX, SHOWN

calendar_zones.vobject()
LOG = logging.getLogger("radicale")
WRITTEN = "is_collection"
"""The argument that Radicale gives with what a client writes (PUT), and not with what it reads from the store."""
_sanitize = radicale.item.check_and_sanitize_items


def check_and_sanitize_items(items: Sequence[Any], *args: Any, **named: Any) -> None:
    """Check recurrences of what is written, then as Radicale does. Raises ValueError, which Radicale answers with 400.

    What is read from the store is left as it is: one item that is refused would close its whole agenda.
    """
    for one in items if WRITTEN in named else ():
        recurrence.check_item(one)
    _sanitize(items, *args, **named)


radicale.item.check_and_sanitize_items = check_and_sanitize_items


class Collection(multifilesystem.Collection):
    """A collection whose kind, once it has one, stays, and whose owner has so much room."""

    def set_meta(self, props: Mapping[str, str]) -> None:
        """Raises ValueError, which Radicale answers with 400, or 507."""
        kind = self.tag
        if kind and props.get("tag") != kind:
            raise ValueError(f"a collection of the kind {kind} cannot become another")
        if len(json.dumps(props, ensure_ascii=False).encode()) > room.MOST_PROPERTIES:
            raise room.no_room(f"the properties of {self.path} take more than {room.MOST_PROPERTIES} octets")
        super().set_meta(props)

    def upload(self, href: str, item: Any) -> Any:
        """Write an item. Raises ValueError, which Radicale answers with 507, where a larger one has no room."""
        more, present = room.blocks(_octets(item)), Path(self._filesystem_path, href)
        if present.exists():
            more -= room.blocks(present.stat().st_size)
        if more > 0:
            self._storage.room.take(self._storage.home(self.path), more)
        return super().upload(href, item)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """As Radicale's own; a collection remembers no more states than its part of the disk takes."""
        answer: tuple[str, Iterable[str]] = super().sync(old_token)
        room.forget_states(Path(self._filesystem_path, ".Radicale.cache", "sync-token"))
        return answer


def _octets(item: Any) -> int:
    return len(item.serialize().encode())


class Published:
    """The calendars of each agent, by the file that the job writes; read again when it was replaced."""

    def __init__(self, file: Path) -> None:
        """`file`: its path."""
        self.file = file
        self.seen: tuple[int, int] = (0, 0)
        self.members: dict[str, frozenset[str] | None] = {}

    def of(self, uid: str) -> list[str]:
        """The calendars that an agent is shown."""
        try:
            status = self.file.stat()
            if self.seen != (status.st_ino, status.st_mtime_ns):
                document = json.loads(self.file.read_text("utf-8"))
                self.members = {one: None if uids is None else frozenset(uids) for one, uids in document.items()}
                self.seen = status.st_ino, status.st_mtime_ns
        except FileNotFoundError:
            self.members = {}
        except (ValueError, TypeError, AttributeError) as error:
            # Agents keep what they were shown, and their own agendas; the job writes the file anew.
            self.seen = status.st_ino, status.st_mtime_ns
            LOG.error("%s cannot be read: %s", self.file, error)
        return sorted(one for one, uids in self.members.items() if uids is None or uid in uids)


class Storage(multifilesystem.Storage):
    """See Collection, and Published."""

    _collection_class = Collection

    def __init__(self, configuration: Any) -> None:
        """As Radicale makes it."""
        super().__init__(configuration)
        self.published = Published(Path(self._filesystem_folder, SHOWN))
        megabytes = os.environ.get("RADICALE_ROOM_MB")
        self.room = room.Room(int(megabytes) << 20) if megabytes else room.Room()

    def home(self, path: str) -> Path:
        """Return the folder of the agent to whom a path belongs."""
        return Path(self._get_collection_root_folder(), path.strip("/").partition("/")[0])

    def create_collection(self, href: str, items: Iterable[Any] | None = None, props: Any = None) -> Any:
        """Make a collection. Raises ValueError, which Radicale answers with 507, where its owner has no room for it."""
        home, every = self.home(href), None if items is None else list(items)
        if props and home.is_dir():
            collections = sum(1 for one in home.iterdir() if not one.name.startswith("."))
            if collections >= room.MOST_COLLECTIONS and not Path(home, href.strip("/").rpartition("/")[2]).exists():
                raise room.no_room(f"{home.name} has {collections} agendas and address books")
            self.room.take(home, sum(room.blocks(_octets(one)) for one in every or ()))
        return super().create_collection(href, every, props)

    def discover(self, path: str, depth: str = "0", *args: Any, **named: Any) -> Iterator[Any]:
        """As Radicale's own; an agent's home has the published calendars of that agent as well."""
        uid, _slash, rest = path.strip("/").partition("/")
        if rest.startswith(PREFIX):
            name, _slash, item = rest.partition("/")
            yield from self._of_published(uid, name.removeprefix(PREFIX), item, depth)
            return
        met = False
        for one in super().discover(path, depth, *args, **named):
            met = True
            yield one
        if met and uid and not rest and depth != "0":
            for ident in self.published.of(uid):
                yield from self._of_published(uid, ident, "", "0")

    def _of_published(self, uid: str, ident: str, item: str, depth: str) -> Iterator[Any]:
        """A published calendar, an item of it, or with a depth all; nothing where the agent is not shown it."""
        folder = Path(self._get_collection_root_folder(), FOLDER, ident)
        if ident not in self.published.of(uid) or not folder.is_dir():
            return
        collection = self._collection_class(self, f"/{uid}/{PREFIX}{ident}/", str(folder))
        if item:
            single = collection._get(item)
            if single is not None:
                yield single
            return
        yield collection
        if depth != "0":
            yield from collection.get_all()
