"""The end of archives: an account, box, room or list is gone, its tombstone is old enough, and so is the archive.

The names are those that `removal.keep` and `ending.end_list` give. A file with another name stays, and so does one
without a tombstone: its account is still there, or its removal is not finished.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from malleposte.accounts.journal import Journal
from malleposte.accounts.life.ending import stone_name
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory
from malleposte.platform.times import day, stamp, when
from malleposte.runtime import owner

LOOKED = Path("/var/lib/malleposte/accounts/archives-looked")
APART = datetime.timedelta(days=7)
"""Between two nights at most; after a longer time the clock may be wrong."""

_ACCOUNT = re.compile(r"(?P<name>.+)-(?P<day>[0-9]{8})(?:-[0-9]{1,4})?\.(?:zip|part)")
_LIST = re.compile(r"liste-(?P<name>.+)-(?P<day>[0-9]{8})\.(?:json|part)")


@dataclass(frozen=True)
class Archive:
    """A file of the folder; `uid` is that of the tombstone. Ordered by path."""

    path: Path
    uid: str
    made: datetime.datetime


def read(path: Path) -> Archive | None:
    """The archive by its name; None for a file that is none."""
    listed = _LIST.fullmatch(path.name)
    match = listed or _ACCOUNT.fullmatch(path.name)
    if match is None or not owner.plain(path):
        return None
    date = day(match["day"])
    uid = stone_name(match["name"]) if listed else match["name"]
    return Archive(path, uid, date) if date else None


def removed(directory: Directory) -> dict[str, datetime.datetime]:
    """The time of each removal, by the uid of its tombstone."""
    moments = {
        first(entry.attributes, "uid"): when(first(entry.attributes, "mpRemoved"))
        for entry in directory.search("tombstones", ["uid", "mpRemoved"])
    }
    return {uid: moment for uid, moment in moments.items() if moment is not None}


def due(folder: Path, stones: Mapping[str, datetime.datetime], before: datetime.datetime) -> Iterator[Archive]:
    """The archives made before that time, of what was removed before that time, by name."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        archive = read(path)
        if archive and archive.uid in stones and max(archive.made, stones[archive.uid]) < before:
            yield archive


def looked(note: Path) -> datetime.datetime | None:
    """The time of the last night that looked at the archives; None for never."""
    try:
        return when(note.read_text("ascii").strip())
    except (FileNotFoundError, ValueError):
        return None


def look(note: Path, now: datetime.datetime) -> None:
    """Write down that this night looks, for the next one to compare its clock with."""
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner.replace(note, stamp(now))


def steady(last: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether the clock may be trusted: one that was set years ahead makes every archive seem over."""
    return datetime.timedelta(0) <= now - last <= APART


def end(archive: Archive, journal: Journal) -> None:
    """Remove the file. The journal's line is first: a night that is interrupted here writes it again."""
    journal.write("archive-end", archive.uid, file=str(archive.path))
    journal.sync()
    archive.path.unlink(missing_ok=True)
