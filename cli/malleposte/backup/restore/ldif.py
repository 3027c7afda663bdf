"""Entries as slapcat writes them: compared and put together for a restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from malleposte.adapters import ldif

PASSWORD = frozenset({"userpassword", "shadowlastchange"})
"""Attributes that let an account in; and whatever begins with `pwd` (the password policy's own)."""
OPERATIONAL = frozenset({
    *("structuralobjectclass", "entryuuid", "creatorsname", "createtimestamp", "entrycsn", "modifiersname"),
    *("modifytimestamp", "entrydn", "subschemasubentry", "hassubordinates", "contextcsn"),
})  # fmt: skip


@dataclass
class Entry(ldif.Entry):
    """One entry. Attributes are told apart by their description, options and all; a look-up is by the bare name."""

    def values(self, name: str) -> list[str]:
        """Values of an attribute, as text."""
        return [
            value.decode("utf-8", "replace")
            for key, values in self.attributes.items()
            if _bare(key) == name.lower()
            for value in values
        ]

    def text(self) -> str:
        """As LDIF."""
        return ldif.render([self])

    def without(self, *, passwords: bool = False, operational: bool = False) -> Entry:
        """Without the attributes of a kind."""
        return self._only(lambda name: not ((passwords and is_password(name)) or (operational and name in OPERATIONAL)))

    def with_passwords_of(self, other: Entry) -> Entry:
        """With the other's password attributes in place of its own."""
        return Entry(self.dn, self.without(passwords=True).attributes | other._only(is_password).attributes)

    def _only(self, accepts: Callable[[str], bool]) -> Entry:
        return Entry(self.dn, {key: values for key, values in self.attributes.items() if accepts(_bare(key))})


def _bare(description: str) -> str:
    return description.partition(";")[0].lower()


def is_password(name: str) -> bool:
    """Whether an attribute (in small letters) lets in, or says how an account was let in."""
    return name in PASSWORD or name.startswith("pwd")


def parse(text: bytes) -> Iterator[Entry]:
    """Entries in their order. Raises LdifError."""
    for entry in ldif.parse(text):
        yield Entry(entry.dn, entry.attributes)


def modification(dn: str, archived: Entry, present: Entry) -> str:
    """The LDIF change that gives `present` the attributes of `archived`, passwords and operational ones untouched."""
    target = archived.without(passwords=True, operational=True)
    current = present.without(passwords=True, operational=True)
    names = {key.lower(): key for key in [*current.attributes, *target.attributes]}
    mods = [
        ldif.Mod("replace", name, tuple(target.get(name)))
        for name in names.values()
        if sorted(target.get(name)) != sorted(current.get(name))
    ]
    return ldif.render_modify(dn, mods) if mods else ""
