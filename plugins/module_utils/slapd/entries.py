"""Differences for entries of the data: which are added, which parts of existing ones are brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..policy import salted
from .ldif import Entry, Mod, render_add, render_modify


def entry_mods(current: Entry, wanted: Entry) -> list[Mod]:
    """Parts of a modify that give `wanted`'s attributes to an existing entry; attributes it does not name stay.

    `objectClass` only grows, and the name (RDN) is never touched.
    """
    mods: list[Mod] = []
    for name, values in wanted.attributes.items():
        have = current.get(name)
        if name.lower() == "objectclass":
            known = {value.lower() for value in have}
            missing = tuple(value for value in values if value.lower() not in known)
            if missing:
                mods.append(Mod("add", name, missing))
        elif sorted(have) != sorted(values):
            mods.append(Mod("replace", name, tuple(values)))
    return mods


def password_mods(current: Entry | None, password: str, earlier: str = "") -> list[Mod]:
    """The change that sets a machine's password, or nothing when the stored digests are already right.

    ``earlier``, unless empty, stays accepted where it is stored. slapd's password policy takes one value at a time.
    """
    stored = list(current.get("userPassword")) if current else []
    right = [one for one in stored if salted.verify(password, one)][:1]
    old = [one for one in stored if earlier not in ("", password) and salted.verify(earlier, one)][:1]
    surplus = tuple(one for one in stored if one not in right + old)
    if not right:
        return [Mod("replace" if surplus or not old else "add", "userPassword", (salted.make(password).encode(),))]
    return [Mod("delete", "userPassword", surplus)] if surplus else []


def plan(
    current: Mapping[str, Entry],
    wanted: Sequence[Entry],
    passwords: Mapping[str, str],
    earlier: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """(dn, LDIF change) for each entry that differs. All but `wanted` are by name in lower case."""
    changes: list[tuple[str, str]] = []
    for entry in wanted:
        key = entry.dn.lower()
        have = current.get(key)
        secret = password_mods(have, passwords[key], (earlier or {}).get(key, "")) if key in passwords else []
        if have is None:
            full = Entry(entry.dn, dict(entry.attributes))
            if secret:
                full.attributes["userPassword"] = list(secret[0].values)
            changes.append((entry.dn, render_add(full)))
            continue
        mods = entry_mods(have, entry) + secret
        if mods:
            changes.append((entry.dn, render_modify(entry.dn, mods)))
    return changes
