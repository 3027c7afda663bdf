"""Keep the address books of schools in SOGo, as its user (role sogo).

Usage: sogo-schools BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...] STATE[,STATE...]

Each school has one: the agents and mailboxes of the school in these states, but for hidden ones. Those of its agents
whose class is one of these, who have SOGo, read it. The password for the directory comes from systemd.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

from malleposte.directory.model import first
from malleposte.directory.query import All, AnyOf, Equal, Present, Search
from malleposte.groupware import jobs as groupware
from malleposte.groupware import schools
from malleposte.groupware.schools import Book, Card
from malleposte.platform.identity import is_uid

_FIELDS = ("uid", "cn", "mail", "givenName", "sn", "mpFunction")
_LISTED = AnyOf((Equal("objectClass", "mpAgent"), Equal("objectClass", "mpFunctionalBox")))


def known(search: Search, profiles: Sequence[str], states: Collection[str]) -> list[Book]:
    """The schools that have somebody to read and somebody to be read. Raises MallepostError."""
    found = search(Equal("objectClass", "mpSchool"), ("mpEstablishment", "o"))
    names = {one["mpEstablishment"][0].lower(): one["o"][0] for one in found if "mpEstablishment" in one and "o" in one}
    cards: dict[str, list[Card]] = {}
    asked = All((_LISTED, Present("mpEstablishment")))
    for one in search(asked, (*_FIELDS, "mpEstablishment", "mpHidden", "mpState")):
        if first(one, "mpState") in states and first(one, "mpHidden") != "TRUE" and is_uid(first(one, "uid")):
            for code in one["mpEstablishment"]:
                cards.setdefault(code.lower(), []).append(Card(*(first(one, name) for name in _FIELDS)))
    readers: dict[str, set[str]] = {}
    for uid, agent in groupware.agents(search, profiles, "mpEstablishment", who=Present("mpEstablishment")).items():
        for code in agent.get("mpEstablishment", ()):
            readers.setdefault(code.lower(), set()).add(uid)
    return [
        Book(code, names[code], tuple(sorted(cards[code], key=lambda card: card.uid)), frozenset(readers[code]))
        for code in sorted(names.keys() & cards.keys() & readers.keys())
    ]


def main(words: Sequence[str]) -> int:
    """The exit code."""

    def work(ways: groupware.Ways) -> Iterable[tuple[str, str]]:
        found = known(ways.search, ways.profiles, frozenset(words[-1].split(",")))
        return schools.place(found, ways.sql, ways.forget, time.time())

    stay = "the address books of schools are as they were"
    return groupware.run("sogo-schools", words, work, stay, more="STATE[,STATE...]")
