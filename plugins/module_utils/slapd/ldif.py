"""Read and write LDIF (RFC 2849), the part of it that slapd's own tools produce and accept.

Values are bytes throughout: slapd writes whatever is not plain ASCII in base64, and a digest need not be text.
Attribute names keep the case in which they are met first; look-ups are made with `lower()`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SEARCH = ("ldapsearch", "-LLL", "-o", "ldif-wrap=no")
"""The words of ldapsearch(1) whose output `parse` reads; the way to the directory and the question follow."""
Attributes = dict[str, list[bytes]]


class LdifError(ValueError):
    """A line that is not LDIF; the message gives it."""


@dataclass
class Entry:
    """One entry: its name as text, its attributes as bytes."""

    dn: str
    attributes: Attributes = field(default_factory=dict)

    def get(self, name: str) -> list[bytes]:
        """Values of an attribute, whatever the case of its name; empty when absent."""
        wanted = name.lower()
        for key, values in self.attributes.items():
            if key.lower() == wanted:
                return values
        return []


def _unfolded(text: bytes) -> Iterator[bytes]:
    """Logical lines: a line that begins with one space continues the previous one; comments are dropped."""
    current: bytes | None = None
    for raw in text.replace(b"\r\n", b"\n").split(b"\n"):
        if raw.startswith(b" ") and current is not None:
            current += raw[1:]
            continue
        if current is not None and not current.startswith(b"#"):
            yield current
        current = raw
    if current is not None and not current.startswith(b"#"):
        yield current


def _pair(line: bytes) -> tuple[str, bytes]:
    name, colon, rest = line.partition(b":")
    if not colon or not name:
        raise LdifError(f"not an LDIF line: {line.decode(errors='replace')}")
    if rest.startswith(b":"):
        return name.decode("ascii"), base64.b64decode(rest[1:].strip())
    if rest.startswith(b"<"):
        raise LdifError("values by URL are not read")
    return name.decode("ascii"), rest.lstrip(b" ")


def parse(text: bytes) -> list[Entry]:
    """Entries of an LDIF content file. Raises LdifError on a line that is not LDIF."""
    entries: list[Entry] = []
    entry: Entry | None = None
    for line in _unfolded(text):
        if not line.strip():
            entry = None
            continue
        name, value = _pair(line)
        if entry is None:
            if name.lower() in ("version", "search", "result"):
                continue
            if name.lower() != "dn":
                raise LdifError(f"an entry begins with dn:, not {name}:")
            entry = Entry(value.decode())
            entries.append(entry)
            continue
        if name not in entry.attributes:
            name = next((key for key in entry.attributes if key.lower() == name.lower()), name)
        entry.attributes.setdefault(name, []).append(value)
    return entries


def _safe(value: bytes) -> bool:
    """Whether a value may stand in clear: ASCII without controls, no leading space, colon or `<`, no end space."""
    if not value:
        return True
    if value[:1] in (b" ", b":", b"<") or value.endswith(b" "):
        return False
    return all(32 <= byte < 127 for byte in value)


def line(name: str, value: bytes) -> str:
    """One line of LDIF, unfolded, in base64 when the value asks for it."""
    if _safe(value):
        return f"{name}: {value.decode('ascii')}"
    return f"{name}:: {base64.b64encode(value).decode('ascii')}"


def render(entries: Iterable[Entry]) -> str:
    """LDIF content of entries."""
    blocks = []
    for entry in entries:
        lines = [line("dn", entry.dn.encode())]
        for name, values in entry.attributes.items():
            lines.extend(line(name, value) for value in values)
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


@dataclass(frozen=True)
class Mod:
    """One part of a modify: `op` is add, delete or replace; no value with delete or replace removes all."""

    op: str
    attribute: str
    values: tuple[bytes, ...] = ()


def render_modify(dn: str, mods: Sequence[Mod]) -> str:
    """LDIF of one modify."""
    lines = [line("dn", dn.encode()), "changetype: modify"]
    for mod in mods:
        lines.append(f"{mod.op}: {mod.attribute}")
        lines.extend(line(mod.attribute, value) for value in mod.values)
        lines.append("-")
    return "\n".join(lines) + "\n"


def render_add(entry: Entry) -> str:
    """LDIF of one add."""
    lines = [line("dn", entry.dn.encode()), "changetype: add"]
    for name, values in entry.attributes.items():
        lines.extend(line(name, value) for value in values)
    return "\n".join(lines) + "\n"


def from_mapping(dn: str, attributes: Mapping[str, object]) -> Entry:
    """An entry from what a playbook gives: text, numbers, booleans, or lists of them.

    Booleans are written as LDAP does (TRUE, FALSE); {"base64": "..."} stands for bytes that are not text; None and
    empty lists leave the attribute out.
    """
    result: Attributes = {}
    for name, given in attributes.items():
        items = given if isinstance(given, list | tuple) else [given]
        values = [_to_bytes(item) for item in items if item is not None]
        if values:
            result[name] = values
    return Entry(dn, result)


def _to_bytes(item: object) -> bytes:
    if isinstance(item, bool):
        return b"TRUE" if item else b"FALSE"
    if isinstance(item, bytes):
        return item
    if isinstance(item, Mapping):
        return base64.b64decode(item["base64"])
    return str(item).encode()
