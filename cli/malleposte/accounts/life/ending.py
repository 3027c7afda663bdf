"""The end of a box of functions, a room or a list: archived on the host, then gone but for its names for ever.

A box takes no more mail before its archive is made. Interrupted at any place, the same command goes on.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from malleposte.accounts.acts import Tools, make
from malleposte.accounts.disclosure.export import Subject
from malleposte.accounts.hosts.model import Removed
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import removal
from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.runtime import durable


def end_box(
    tools: Tools, rules: LifeRules, journals: tuple[Path, ...], entry: Entry, now: datetime.datetime, note: str = "",
    *, kind: Kind = Kind.BOX, pending: Path = removal.PENDING,
) -> tuple[Path, Removed]:  # fmt: skip
    """Close, archive and remove a box or a room. Raises MallepostError, with it closed and whole, when a part fails."""
    make(tools.directory, tools.journal, change(kind, entry, {"mpState": [State.SUSPENDED.value]}), note)
    subject = Subject(uid_of(entry), entry.attributes)
    path, _report = removal.keep(rules.archive_folder, tools.hosts.files, journals, subject, now)
    return path, removal.remove(tools, entry, now, note, pending=pending)


def end_list(
    directory: Directory, journal: Journal, rules: LifeRules, entry: Entry, now: datetime.datetime, note: str = "",
    *, pending: Path = removal.PENDING,
) -> Path:  # fmt: skip
    """Archive a list's entry, remove it, keep its addresses from being given again."""
    path = _save_entry(
        rules.archive_folder / f"liste-{first(entry.attributes, 'cn')}-{now:%Y%m%d}.json", entry.attributes
    )
    for other in directory.search("lists", ["cn", "member"], {"member": entry.dn}):
        members = other.attributes.get("member", [])
        remaining = [member for member in members if member.lower() != entry.dn.lower()]
        name = first(other.attributes, "cn")
        make(directory, journal, [Change(Kind.LIST, name, other.dn, {"member": members}, {"member": remaining})])
    removal.give_way(directory, journal, entry, stone_of(directory, entry, now), pending, note)
    return path


def stone_name(name: str) -> str:
    """The uid that the tombstone of a list gets where nothing else has it."""
    return f"liste.{name}"[:60]


def stone_of(directory: Directory, entry: Entry, now: datetime.datetime) -> Change:
    """A list's tombstone. A list has no log-in: the stone gets a name that no account and no other stone has."""
    stem, taken = stone_name(first(entry.attributes, "cn")), UsedNames(directory)
    name = next(name for name in (stem, *(f"{stem}.{number}" for number in range(2, 1000))) if name not in taken)
    return removal.tombstone(entry, directory.suffix, now, name)


def _save_entry(path: Path, attributes: Attributes) -> Path:
    """The list's entry in a file, 0600, on disk before anything is removed."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(path, json.dumps(attributes, ensure_ascii=False, indent=1, sort_keys=True))
    except OSError as error:
        raise MallepostError(f"{path}: {error.strerror}", "nothing was removed") from error
    return path
