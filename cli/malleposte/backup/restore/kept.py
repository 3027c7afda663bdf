"""Data that restores replaced: its place, its list, and its removal.

It lies on the file system that it was on, under one rule: `.malleposte-aside/<name>/<date>` in the folder above (of a
mailbox: of the store), or `<name>_aside_<date>` for a database and `<name>.aside-<date>` for the directory. Nothing of
it is removed but by `backup kept`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from malleposte.backup.restore.model import STAMP
from malleposte.core.errors import InputError
from malleposte.runtime import owner

ASIDE = ".malleposte-aside"
DIRECTORY = Path("/var/lib/ldap")
RADICALE = Path("/var/lib/radicale/collections")
_DATE = re.compile(r"(\d{8})[-_](\d{6})(?:-\d+)?")
_TABLES = re.compile(r"([a-z][a-z0-9_]*)_aside_(\d{8}_\d{6})")
_ENTRIES = re.compile(r"(.+)\.aside-(\d{8}-\d{6})")


@dataclass(frozen=True)
class OldCopy:
    """One thing that was replaced: kind (`mailbox`, `agendas`, `files`, `directory`, `database`), name, when, where.

    `bytes` is its size on disk; None of a database, which the server counts.
    """

    kind: str
    name: str
    replaced: datetime
    where: str
    bytes: int | None = None

    @property
    def id(self) -> str:
        """The name by which a person refers to it."""
        return f"{self.kind}/{self.name}/{self.replaced:{STAMP}}"


def by_restore(database: str) -> bool:
    """Whether a database is one that a restore replaced or loads beside: nobody's own, and in no archive."""
    return bool(_TABLES.fullmatch(database)) or database.endswith("_restore")


def place(target: Path, stamp: str) -> Path:
    """Make and return the folder that keeps the data at `target`. Call it as the owner of the folder of `target`."""
    folder = target.parent / ASIDE / target.name
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700, exist_ok=True)
    return free(folder / stamp)


def free(path: Path) -> Path:
    """The path, or a similar one that is free."""
    names = [path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 100))]
    return next(one for one in names if not one.exists(follow_symlinks=False))


def moment(text: str) -> datetime | None:
    """The moment in a dated name, in this host's zone; None where there is none."""
    match = _DATE.fullmatch(text)
    return datetime.strptime(f"{match[1]}-{match[2]}", STAMP).astimezone() if match else None


def everything(
    folders: Iterable[tuple[str, Path]], databases: Iterable[str], directory: Path = DIRECTORY
) -> list[OldCopy]:
    """All that is kept on this host, the oldest first. `folders`: kind, and where `.malleposte-aside` may be."""
    copies = [one for kind, folder in folders for one in _below(kind, folder)]
    for name in databases:
        parts = _TABLES.fullmatch(name)
        when = moment(parts[2]) if parts else None
        if parts and when:
            copies.append(OldCopy("database", parts[1], when, f"database {name}"))
    for path in sorted(directory.glob("*.aside-*")):
        parts = _ENTRIES.fullmatch(path.name)
        when = moment(parts[2]) if parts else None
        if parts and when:
            copies.append(OldCopy("directory", parts[1], when, str(path), weight(path)))
    return sorted(copies, key=lambda one: (one.replaced, one.where))


def _below(kind: str, folder: Path) -> Iterator[OldCopy]:
    with owner.as_owner(folder):
        paths = sorted((folder / ASIDE).glob("*/*")) if owner.folder(folder / ASIDE) else []
        weighed = [(path, weight(path)) for path in paths]
    for path, size in weighed:
        if when := moment(path.name):
            yield OldCopy(kind, path.parent.name, when, str(path), size)


def weight(path: Path) -> int:
    """Bytes on disk of a file or a tree. To be called as its owner."""
    total = path.lstat().st_blocks
    for folder, _names, leaves in os.walk(path):
        for leaf in leaves:
            try:
                total += os.lstat(os.path.join(folder, leaf)).st_blocks  # noqa: PTH118  # millions of files
            except FileNotFoundError:
                continue
    return total * 512


def chosen(copies: Iterable[OldCopy], ids: Iterable[str], days: float | None, now: datetime) -> list[OldCopy]:
    """Those that are named, or that were replaced longer ago. Raises InputError on a name that is not there."""
    by_id: dict[str, list[OldCopy]] = {}
    for one in copies:
        by_id.setdefault(one.id, []).append(one)
    for name in ids:
        if name not in by_id:
            raise InputError(f"nothing is kept as {name}", "`malleposte backup kept` shows what there is")
    selected = [one for name in dict.fromkeys(ids) for one in by_id[name]]
    if days is not None:
        selected += [
            one for rows in by_id.values() for one in rows
            if one not in selected and (now - one.replaced.astimezone(UTC)).total_seconds() > days * 86400
        ]  # fmt: skip
    return selected


def remove(one: OldCopy, drop: Callable[[str], None]) -> None:
    """Remove one for good; `drop` drops a database. Raises OSError or MallepostError, with the rest still there."""
    if one.kind == "database":
        drop(one.where.removeprefix("database "))
        return
    path = Path(one.where)
    with owner.as_owner(path.parent):
        if owner.folder(path):
            shutil.rmtree(path)
        else:
            path.unlink()
        if path.parent.parent.name == ASIDE and not any(path.parent.iterdir()):
            path.parent.rmdir()
