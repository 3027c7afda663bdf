"""LDIF as slapcat writes it (RFC 2849): entries read, compared, put together. Values stay as they are written."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PASSWORD = frozenset({"userpassword", "shadowlastchange"})
"""Attributes that let an account in; and whatever begins with `pwd` (the password policy's own)."""
OPERATIONAL = frozenset({
    *("structuralobjectclass", "entryuuid", "creatorsname", "createtimestamp", "entrycsn", "modifiersname"),
    *("modifytimestamp", "entrydn", "subschemasubentry", "hassubordinates", "contextcsn"),
})  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One entry: its dn, and its lines (unfolded) as (attribute in small letters, line)."""

    dn: str
    lines: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Values of an attribute, decoded."""
        return [_value(line) for attribute, line in self.lines if attribute == name.lower()]

    def text(self) -> str:
        """As LDIF."""
        return (
            "\n".join([f"dn:: {base64.b64encode(self.dn.encode()).decode()}", *(line for _, line in self.lines)]) + "\n"
        )

    def without(self, *, passwords: bool = False, operational: bool = False) -> Entry:
        """Without the attributes of a kind."""
        return Entry(
            self.dn,
            tuple(
                (name, line)
                for name, line in self.lines
                if not (passwords and is_password(name)) and not (operational and name in OPERATIONAL)
            ),
        )

    def with_passwords_of(self, other: Entry) -> Entry:
        """With the other's password attributes in place of its own."""
        return Entry(
            self.dn, (*self.without(passwords=True).lines, *(one for one in other.lines if is_password(one[0])))
        )


def is_password(name: str) -> bool:
    """Whether an attribute (in small letters) lets in, or says how an account was let in."""
    return name in PASSWORD or name.startswith("pwd")


def _value(line: str) -> str:
    _, _, rest = line.partition(":")
    if rest.startswith(":"):
        return base64.b64decode(rest[1:].strip()).decode("utf-8", "replace")
    return rest.strip()


def parse(lines: Iterable[str]) -> Iterator[Entry]:
    """Entries in their order. Comments are left out."""
    block: list[str] = []
    for raw in [*lines, ""]:
        line = raw.rstrip("\n")
        if line.startswith(" ") and block:
            block[-1] += line[1:]
        elif line:
            block.append(line)
        elif block:
            entry = _entry([one for one in block if not one.startswith("#")])
            block = []
            if entry:
                yield entry


def _entry(block: list[str]) -> Entry | None:
    if not block or not block[0].lower().startswith("dn:"):
        return None
    found = tuple((line.partition(":")[0].partition(";")[0].lower(), line) for line in block[1:])
    return Entry(_value(block[0]), found)


def modification(dn: str, wanted: Entry, present: Entry) -> str:
    """The LDIF change that gives `present` the attributes of `wanted`, passwords and operational ones untouched."""
    target = wanted.without(passwords=True, operational=True)
    current = present.without(passwords=True, operational=True)
    names = dict.fromkeys([name for name, _ in target.lines] + [name for name, _ in current.lines])
    parts = [f"dn:: {base64.b64encode(dn.encode()).decode()}", "changetype: modify"]
    for name in names:
        new = [line for attribute, line in target.lines if attribute == name]
        if sorted(new) != sorted(line for attribute, line in current.lines if attribute == name):
            parts += [f"replace: {name}", *new, "-"]
    return "\n".join(parts) + "\n" if len(parts) > 2 else ""
