"""The published calendars on the host of the web: what is published, its content, what was withdrawn.

`entries/IDENT.json` and `.ics`; `withdrawn/IDENT-TIME.json` and `.ics`; `shown.json`, which the engines' jobs read. All
belongs to a user of its own. Root works there as that user (`malleposte.runtime.owner`).
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from malleposte.core.errors import InputError, MallepostError
from malleposte.groupware.published.model import Published, Shown
from malleposte.platform import locks
from malleposte.runtime import durable, owner

ROOT = Path("/var/lib/malleposte-calendars")
GROUP_READS = 0o640
TRIES = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Store:
    """See the module. Raises MallepostError where the store is not as it was left."""

    def __init__(self, root: Path = ROOT, *prefixes: str) -> None:
        """`root`: its folder, which the role makes; `prefixes`: the beginnings of another engine's identifiers."""
        self.root, self.prefixes = root, prefixes or ("",)
        self.entries, self.gone, self.shown_file = root / "entries", root / "withdrawn", root / "shown.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, nobody else writes, and files are touched as the store's user."""
        if not self.root.is_dir():
            raise MallepostError(f"{self.root}: no calendars are published on this host", "deploy the role calendars")
        with owner.as_owner(self.root / "entries"), locks.waited(self.root / ".lock"):
            yield

    def every(self) -> list[Published]:
        """The published calendars, by name."""
        with owner.as_owner(self.entries):
            files = sorted(self.entries.glob("*.json"))
            return sorted((_entry(path) for path in files), key=lambda one: (one.name.casefold(), one.ident))

    def find(self, ident: str) -> Published | None:
        """One of them."""
        return next((one for one in self.every() if one.ident == ident), None)

    def content(self, ident: str) -> bytes:
        """The file of one; for whoever is in the store's group, too."""
        return owner.read(self.entries / f"{ident}.ics")

    def put(self, one: Published, text: str | None = None) -> None:
        """Keep an entry, with its content where there is a new one."""
        if text is not None:
            write(self.entries / f"{one.ident}.ics", text)
        write(self.entries / f"{one.ident}.json", json.dumps(one.as_dict(), ensure_ascii=False, indent=1))

    def withdraw(self, ident: str, now: datetime.datetime) -> Published:
        """Take a calendar away; its files are kept under a dated name. Raises InputError where it is not there."""
        one = self.find(ident)
        if one is None:
            names = ", ".join(other.ident for other in self.every()) or "none"
            raise InputError(f"no calendar {ident!r} is published", f"known are: {names}")
        dated = f"{ident}-{now.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"
        # The entry goes first: without it the rest is shown nowhere.
        for suffix in ("json", "ics"):
            with contextlib.suppress(FileNotFoundError):
                (self.entries / f"{ident}.{suffix}").rename(self.gone / f"{dated}.{suffix}")
        return one

    def show(self, shown: Sequence[Shown]) -> None:
        """Tell the engines what is published, to whom."""
        write(self.shown_file, json.dumps([asdict(one) for one in shown], ensure_ascii=False))

    def shown(self) -> list[Shown]:
        """The last word to the engines; nothing before the first time."""
        try:
            return [_shown(one, self.prefixes) for one in json.loads(owner.read(self.shown_file))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError) as error:
            raise MallepostError(f"{self.shown_file}: {error}", "start malleposte-calendars.service") from error

    def bring[T](self, engine: Callable[[list[Shown]], T]) -> T:
        """Give an engine what is shown; again where a calendar was withdrawn while it read. Raises OSError."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(FileNotFoundError):
                return engine(self._whole())
        return engine(self._whole())

    def _whole(self) -> list[Shown]:
        """The calendars that are shown and still have their content."""
        return [one for one in self.shown() if (self.entries / f"{one.ident}.ics").exists()]


def digest(content: bytes) -> str:
    """Of a content, for its changes to be seen."""
    return hashlib.sha256(content).hexdigest()[:32]


def write(path: Path, text: str) -> None:
    """Replace a file durably; the folder's group may read it."""
    durable.write(path, text, GROUP_READS)


def _entry(path: Path) -> Published:
    try:
        return Published(**json.loads(owner.read(path)))
    except (ValueError, TypeError) as error:
        raise MallepostError(f"{path}: {error}", "mend it, or withdraw that calendar and publish it again") from error


def _shown(fields: dict[str, object], prefixes: Sequence[str]) -> Shown:
    """Raise ValueError for an identifier that is none: each is the name of a folder in the engines' stores."""
    members, name = fields.pop("members"), str(fields["ident"])
    if not any(name.startswith(one) and _NAME.fullmatch(name.removeprefix(one)) for one in prefixes):
        raise ValueError(f"{name[:80]!r} is no calendar of this store")
    assert members is None or isinstance(members, list)
    return Shown(**fields, members=None if members is None else tuple(map(str, members)))  # type: ignore[arg-type]
