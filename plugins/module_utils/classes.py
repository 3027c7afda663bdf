# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of service: what an account of each has. The fact `malleposte_profiles` is read here and nowhere else.

``mail``     the webmail whose filters are in force: `sogo` or `roundcube`
``agenda``   the store of agendas and contacts, on the web and on devices: `sogo` or `radicale`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""A class's name, as the directory keeps it (`mpProfile`)."""
MAIL = ("sogo", "roundcube")
AGENDAS = ("sogo", "radicale")


class ClassError(ValueError):
    """A table that cannot be used; `path` says where in it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Class:
    """The rights of an account of a class: its quota in MB, its services, the words that mean it in a feed."""

    name: str
    mail: str
    agenda: str
    quota_mb: int
    label: Mapping[str, str] = field(default_factory=dict)
    outbound: Mapping[str, int] = field(default_factory=dict)
    synonyms: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    """Slots (`12345 08:00-18:00`) in which mail comes to the inbox of agents who chose nothing; none: at any hour."""

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores of its agendas and contacts, the store that holds everything first.

        Roundcube has an address book of its own, which is kept beside the other store.
        """
        return (self.agenda, "roundcube") if self.mail == "roundcube" else (self.agenda,)

    @property
    def words(self) -> frozenset[str]:
        """Everything that means this class in a feed, in small letters."""
        return frozenset(word.casefold() for word in (self.name, *self.synonyms, *self.label.values()))


class Classes(Mapping[str, Class]):
    """All of a platform, by name."""

    def __init__(self, classes: Mapping[str, Class], default: str) -> None:
        self._classes, self.default = dict(classes), default

    def __getitem__(self, name: str) -> Class:
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def meant(self, text: str) -> Class | None:
        """The class that a word of a feed means."""
        return next((one for one in self.values() if text.casefold() in one.words), None)

    def using(self, service: str) -> list[str]:
        """Names of the classes that have a service, as webmail or as agenda."""
        return sorted(one.name for one in self.values() if service in (one.mail, one.agenda))

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Classes:
        """From the fact. Raises ClassError."""
        found = {str(name): _class(str(name), entry) for name, entry in table.items()}
        if not found:
            raise ClassError("a platform has one class at least")
        marked = [name for name in found if table[name].get("default")]
        if len(marked) > 1:
            raise ClassError(f"{marked[0]} is the default already; one class is", marked[1], "default")
        if not marked and len(found) > 1:
            raise ClassError("no class is the default of accounts whose row names none: say `default: true` in one")
        seen: dict[str, str] = {}
        for one in found.values():
            for word in sorted(one.words):
                if (other := seen.setdefault(word, one.name)) != one.name:
                    raise ClassError(f"{word!r} means the class {other} already", one.name)
        return cls(found, marked[0] if marked else next(iter(found)))


def _class(name: str, entry: Any) -> Class:
    if not NAME.fullmatch(name):
        raise ClassError("a class is named by small letters, digits and hyphens, 32 at most", name)
    if not isinstance(entry, Mapping):
        raise ClassError("keys and values are expected", name)
    for key, known in (("mail", MAIL), ("agenda", AGENDAS)):
        if entry.get(key) not in known:
            raise ClassError(f"{entry.get(key)!r} is none of {', '.join(known)}", name, key)
    if entry["mail"] == "sogo" != entry["agenda"]:
        raise ClassError("SOGo's webmail shows SOGo's agenda alone: say `agenda: sogo`", name, "agenda")
    quota = entry.get("quota_mb")
    if not isinstance(quota, int) or isinstance(quota, bool) or quota < 1:
        raise ClassError(f"{quota!r} is no number of MB", name, "quota_mb")
    return Class(
        name=name,
        mail=str(entry["mail"]),
        agenda=str(entry["agenda"]),
        quota_mb=quota,
        label={str(language): str(text) for language, text in entry.get("label", {}).items()},
        outbound=dict(entry.get("outbound", {})),
        synonyms=tuple(map(str, entry.get("synonyms", ()))),
        hours=tuple(map(str, entry.get("hours", ()))),
    )


def wired(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for roles: `names`, `default`, `sogo` (classes with it), `groupware` (those whose webmail it is).

    By class: `quotas`, `agendas`, `outbound`. Raises ClassError.
    """
    classes = Classes.parse(table)
    return {
        "names": sorted(classes),
        "default": classes.default,
        "sogo": classes.using("sogo"),
        "groupware": sorted(one.name for one in classes.values() if one.mail == "sogo"),
        "quotas": {name: {"quota_mb": one.quota_mb} for name, one in sorted(classes.items())},
        "agendas": {name: one.agenda for name, one in sorted(classes.items())},
        "outbound": {name: dict(one.outbound) for name, one in sorted(classes.items()) if one.outbound},
    }
