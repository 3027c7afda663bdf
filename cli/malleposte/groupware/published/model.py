"""A published calendar, as the store keeps it and as the engines are told of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from malleposte.core.errors import InputError
from malleposte.groupware.published.places import BOOK_OF
from malleposte.policy.rules import fold

COLOUR = "#000091"
Items = Callable[[str], Mapping[str, str]]
"""The identifier of a calendar -> its items, by name."""
LONGEST = 100
"""Characters of a name."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_IDENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True)
class Published:
    """A calendar of the store.

    `rule` are the operator's words, empty for all agents; `url` is the same as `lists.rule` keeps it. `source` is an
    address, empty for a file. `token` stands in the web address of a calendar that is not for all. Times are ISO 8601;
    `fetched` is that of the content, `error` the cause for which the last reading of the source was refused. A `fixed`
    one is the inventory's: a deploy publishes and withdraws it.
    """

    ident: str
    name: str
    colour: str = COLOUR
    rule: str = ""
    url: str = ""
    source: str = ""
    token: str = field(default="", repr=False)
    published: str = ""
    fetched: str = ""
    error: str = ""
    fixed: bool = False

    @property
    def file(self) -> str:
        """The name of its file on the web: nobody finds one that is not for all without having been told."""
        return f"{self.ident}-{self.token}.ics" if self.rule else f"{self.ident}.ics"

    def as_dict(self) -> dict[str, Any]:
        """For its file and for --json."""
        return asdict(self)


@dataclass(frozen=True)
class Shown:
    """A calendar, or an address book, for the engines.

    `members` are uids, None for all agents; `digest` is that of its content.
    """

    ident: str
    name: str
    colour: str
    digest: str
    members: tuple[str, ...] | None = None

    @property
    def is_book(self) -> bool:
        """Whether it is an address book."""
        return self.ident.startswith(BOOK_OF)


def ident(name: str) -> str:
    """The identifier made of a name: `Vacances – zone A` gives `vacances-zone-a`. Raises InputError."""
    if not name.isprintable() or not 1 <= len(name.strip()) <= LONGEST:
        raise InputError(f"name {name[:LONGEST]!r}: it has 1 to {LONGEST} characters, on one line", "give another")
    slug = re.sub("[^a-z0-9]+", "-", fold(name)).strip("-")[:60].strip("-")
    if not slug:
        raise InputError(f"name {name!r} has neither letter nor digit", "give another")
    return slug


def checked_ident(text: str) -> str:
    """An identifier that was typed. Raises InputError."""
    if not _IDENT.fullmatch(text):
        raise InputError(f"{text!r} is no calendar", "`malleposte calendar list` shows them")
    return text


def colour(text: str) -> str:
    """A colour as `#rrggbb`. Raises InputError."""
    if not _COLOUR.fullmatch(text):
        raise InputError(f"colour {text!r} is not of the form #rrggbb", f"such as {COLOUR}")
    return text.lower()
