"""The directory as one run of SOGo's jobs reads it: each part once, when a job first asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from malleposte.directory.query import All, AnyOf, Equal, Not, Present, Query, Search, Values
from malleposte.platform.identity import is_uid

CARD = ("uid", "cn", "mail", "givenName", "sn", "mpFunction")
"""The attributes of a card of an address book."""


@dataclass(frozen=True)
class Reading:
    """`profiles` are the classes whose agents have SOGo, every class where none is said. All raise MallepostError."""

    base: str
    search: Search
    profiles: tuple[str, ...] = ()

    def entries(self, condition: Query, *attributes: str) -> dict[str, Values]:
        """Return the entries that meet a condition, by uid; those whose uid is none are passed over."""
        entries = self.search(condition, ("uid", *attributes))
        return {one["uid"][0]: one for one in entries if "uid" in one and is_uid(one["uid"][0])}

    def with_sogo(self, *conditions: Query) -> Query:
        """Return the condition of an agent who has SOGo, and meets others."""
        classes = [AnyOf(tuple(Equal("mpProfile", one) for one in self.profiles))] if self.profiles else []
        return All((Equal("objectClass", "mpAgent"), *classes, *conditions))

    def standing(self, changes: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Pass on what changed (uids), each with its fault, without the faults of entries that have left since."""
        for uid, fault in changes:
            if not fault or self.entries(Equal("uid", uid)):
                yield uid, fault

    @cached_property
    def agents(self) -> dict[str, Values]:
        """The agents who have SOGo, with their schools and the boxes that they open."""
        return self.entries(self.with_sogo(), "mpEstablishment", "mpOpens", "mpReads")

    @cached_property
    def others(self) -> dict[str, Values]:
        """The agents without SOGo who open or read a functional box."""
        if not self.profiles:
            return {}
        without = [Not(Equal("mpProfile", one)) for one in self.profiles]
        opens = AnyOf((Present("mpOpens"), Present("mpReads")))
        return self.entries(All((Equal("objectClass", "mpAgent"), *without, opens)), "mpOpens", "mpReads")

    @cached_property
    def boxes(self) -> dict[str, Values]:
        """The functional boxes, with what a card has of them."""
        attributes = (*CARD[1:], "mpAgenda", "mpEstablishment", "mpHidden", "mpState", "mpTeam")
        return self.entries(Equal("objectClass", "mpFunctionalBox"), *attributes)

    @cached_property
    def schools(self) -> dict[str, str]:
        """The names of schools, by UAI code in small letters."""
        entries = self.search(Equal("objectClass", "mpSchool"), ("mpEstablishment", "o"))
        named = (one for one in entries if "mpEstablishment" in one and "o" in one)
        return {one["mpEstablishment"][0].lower(): one["o"][0] for one in named}


def codes(entry: Values) -> Sequence[str]:
    """Return the UAI codes of an entry's schools, in small letters."""
    return [code.lower() for code in entry.get("mpEstablishment", ())]
