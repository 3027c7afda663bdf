"""The present directory, read as sparingly as a plan needs: digests and a state for all, the rest for few."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from malleposte.directory.model import Attributes, first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal, Query

LIGHT = ("uid", "mpNumenDigest", "mpSourceDigest", "mpState")
FULL = (
    *(
        "uid",
        "cn",
        "sn",
        "givenName",
        "displayName",
        "mail",
        "mailLocalAddress",
        "mpProfile",
        "mpState",
        "mpStateChanged",
    ),
    *("mpEstablishment", "mpCorps", "mpDiscipline", "mpFunction", "mpRecoveryMail", "mpRecoveryPhone"),
    *("mpNumenDigest", "mpSourceDigest", "mpLoginAlias", "pwdChangedTime"),
)
SCHOOL = ("mpEstablishment", "o", "l", "postalCode", "mpDepartment")
AT_ONCE = 100
"""Accounts of one search."""
_FEW = 3000
"""From so many on, one search over all is faster than searches for these."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a feed can mean: its digests and its state."""

    uid: str
    dn: str
    numen_digests: tuple[str, ...]
    source_digest: str
    state: str


@dataclass
class Current:
    """The directory as a plan sees it."""

    directory: Directory
    _names: set[str] | None = field(default=None, repr=False)

    @property
    def suffix(self) -> str:
        """The directory's suffix."""
        return self.directory.suffix

    def accounts(self) -> list[Account]:
        """Everybody, by what tells a row that changed."""
        return [
            Account(
                uid=first(entry.attributes, "uid"),
                dn=entry.dn,
                numen_digests=tuple(entry.attributes.get("mpNumenDigest", ())),
                source_digest=first(entry.attributes, "mpSourceDigest"),
                state=first(entry.attributes, "mpState"),
            )
            for entry in self.directory.search("people", LIGHT)
        ]

    def details(self, uids: Iterable[str]) -> dict[str, Attributes]:
        """All that a plan may change, of some accounts, by uid."""
        names = set(uids)
        queries: list[Query | None] = [None]
        if len(names) < _FEW:
            parts = itertools.batched(sorted(names), AT_ONCE, strict=False)
            queries = [AnyOf(tuple(Equal("uid", uid) for uid in part)) for part in parts]
        return {
            uid: entry.attributes
            for query in queries
            for entry in self.directory.search("people", FULL, query)
            if (uid := first(entry.attributes, "uid")) in names
        }

    def names(self) -> set[str]:
        """Every log-in and address in use or used before, in small letters: none is given again."""
        if self._names is None:
            branches: tuple[Branch, ...] = ("people", "functional", "resources", "lists", "tombstones")
            asked = ("uid", "mpLoginAlias", "mail", "mailLocalAddress")
            self._names = {
                value.lower()
                for branch in branches
                for entry in self.directory.search(branch, asked)
                for values in entry.attributes.values()
                for value in values
            }
        return self._names

    def boxes(self) -> dict[str, Entry]:
        """Functional boxes by uid, with what says whether each has an agenda."""
        entries = self.directory.search("functional", ("uid", "mpAgenda"))
        return {first(entry.attributes, "uid"): entry for entry in entries}

    def schools(self) -> dict[str, Attributes]:
        """Schools by UAI code."""
        entries = self.directory.search("establishments", SCHOOL)
        return {first(entry.attributes, "mpEstablishment"): entry.attributes for entry in entries}
