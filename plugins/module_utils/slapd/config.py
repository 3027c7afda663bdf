"""Differences between two states of cn=config, and how to bring the running slapd from one to the other.

Both states come from slapcat, so that slapd itself has numbered the entries and values. Values whose order counts carry
a prefix `{n}`; slapd numbers them from 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .ldif import Entry, Mod, render_add, render_modify

OPERATIONAL = frozenset(
    (
        "structuralobjectclass",
        "entryuuid",
        "entrycsn",
        "creatorsname",
        "createtimestamp",
        "modifiersname",
        "modifytimestamp",
        "contextcsn",
    )
)
# Settings that slapd fixes when it opens a database or loads code: only a start applies a change of these.
OFFLINE = frozenset(("olcmodulepath", "olcdatabase", "olcsuffix", "olcdbdirectory", "olcoverlay", "objectclass", "cn"))
SCHEMA = frozenset(
    ("olcattributetypes", "olcobjectclasses", "olcobjectidentifier", "olcldapsyntaxes", "olcditcontentrules")
)
_NUMBER = re.compile(rb"^\{(-?\d+)\}")


def unnumbered(value: bytes) -> bytes:
    """The value without its `{n}` prefix."""
    return _NUMBER.sub(b"", value, count=1)


def is_numbered(values: Sequence[bytes]) -> bool:
    """Whether these values are ordered by prefixes."""
    return bool(values) and all(_NUMBER.match(value) for value in values)


def settled(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Entries by name in lower case, without what slapd keeps for itself."""
    result: dict[str, Entry] = {}
    for entry in entries:
        kept = {name: values for name, values in entry.attributes.items() if name.lower() not in OPERATIONAL}
        result[entry.dn.lower()] = Entry(entry.dn, kept)
    return result


@dataclass
class Plan:
    """The steps: `changes` are LDIF blocks in order; `offline` says why a rebuild is needed (empty: online)."""

    changes: list[str] = field(default_factory=list)
    offline: list[str] = field(default_factory=list)
    reindex: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.changes or self.offline)


def _schema_mods(name: str, old: Sequence[bytes], new: Sequence[bytes]) -> list[Mod] | None:
    """In-place changes of schema values; None when a definition goes away, which only a rebuild can do.

    A changed definition keeps its place: it is deleted and added at its number in one modify.
    """
    if len(new) < len(old):
        return None
    before = [unnumbered(value) for value in old]
    after = [unnumbered(value) for value in new]
    if after[: len(before)] == before:
        return [Mod("add", name, tuple(new[len(before) :]))]
    if [_definition_key(v) for v in after[: len(before)]] != [_definition_key(v) for v in before]:
        return None
    mods = []
    for position, (was, will) in enumerate(zip(before, after, strict=False)):
        if was != will:
            mods.append(Mod("delete", name, (old[position],)))
            mods.append(Mod("add", name, (new[position],)))
    if len(after) > len(before):
        mods.append(Mod("add", name, tuple(new[len(before) :])))
    return mods


def _definition_key(value: bytes) -> bytes:
    """The OID (or the macro name) of a schema definition."""
    parts = value.replace(b"(", b" ").split()
    return parts[0] if parts else b""


def attribute_mods(name: str, old: Sequence[bytes], new: Sequence[bytes]) -> list[Mod] | None:
    """The fewest parts of a modify that bring an attribute from old to new; None when only a rebuild can."""
    lower = name.lower()
    if lower in OFFLINE:
        return None
    if lower in SCHEMA:
        return _schema_mods(name, old, new)
    if lower == "olcmoduleload":
        # Code once loaded stays: new modules may follow the old ones, nothing else.
        return [Mod("add", name, tuple(new[len(old) :]))] if list(new[: len(old)]) == list(old) else None
    if not new:
        return [Mod("delete", name)]
    if not old:
        return [Mod("add", name, tuple(new))]
    if is_numbered(new) or is_numbered(old) or (len(old) == 1 and len(new) == 1):
        # Access rules above all: replaced together, so that no moment has half of them.
        return [Mod("replace", name, tuple(new))]
    mods = []
    gone = tuple(value for value in old if value not in new)
    come = tuple(value for value in new if value not in old)
    if gone:
        mods.append(Mod("delete", name, gone))
    if come:
        mods.append(Mod("add", name, come))
    return mods


def _same(old: Sequence[bytes], new: Sequence[bytes]) -> bool:
    return list(old) == list(new) if is_numbered(new) else sorted(old) == sorted(new)


def _names(old: Entry, new: Entry) -> list[str]:
    seen = {name.lower(): name for name in old.attributes}
    seen.update({name.lower(): name for name in new.attributes})
    return list(seen.values())


def _entry_plan(old: Entry, new: Entry, plan: Plan) -> None:
    mods: list[Mod] = []
    for name in _names(old, new):
        before, after = old.get(name), new.get(name)
        if _same(before, after):
            continue
        if name.lower() == "olcdbindex":
            plan.reindex.append(new.dn)
        parts = attribute_mods(name, before, after)
        if parts is None:
            plan.offline.append(f"{name} of {new.dn}")
        else:
            mods.extend(parts)
    if mods:
        plan.changes.append(render_modify(new.dn, mods))


def plan(current: dict[str, Entry], desired: dict[str, Entry]) -> Plan:
    """Return the steps from `current` to `desired` (both from `settled`): parents before children, in config order.

    An entry that goes away, or one that comes before another of its kind, makes the plan an offline one.
    """
    result = Plan()
    for key, entry in current.items():
        if key not in desired:
            result.offline.append(f"{entry.dn} is no longer wanted")
    for key, entry in desired.items():
        if key in current:
            _entry_plan(current[key], entry, result)
        else:
            result.changes.append(render_add(entry))
    return result
