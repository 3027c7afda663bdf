"""Let agents book the rooms and equipment of the directory, as SOGo's user (role sogo).

Usage: sogo-rooms BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

Each room gets its agenda, and on it the rights of those who may book: agents of these classes, who have SOGo. Schools
and rules are looked up again each time. The password for the directory comes from systemd.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from malleposte.directory.model import EVERYONE, SCHOOL, State
from malleposte.directory.query import All, Equal, Search, Values
from malleposte.groupware import jobs as groupware
from malleposte.groupware import room_agendas as rooms
from malleposte.groupware.room_agendas import Room
from malleposte.lists.rule import agents_of, from_url

ROOMS = All((Equal("objectClass", "mpResource"), Equal("mpState", State.ACTIVE.value)))


def known(search: Search, suffix: str, profiles: Sequence[str]) -> list[Room]:
    """The rooms of the directory with the agents who may book each. Raises MallepostError."""
    entries = [one for one in search(ROOMS, ("uid", "cn", "mpBooker", "mpEstablishment")) if "uid" in one]
    agents = groupware.agents(search, profiles, "mpEstablishment") if entries else {}
    who = {uid: _schools(one) for uid, one in agents.items()}
    by_rule: dict[str, frozenset[str]] = {}
    for url in {word for one in entries for word in one.get("mpBooker", ()) if word.startswith("ldap:")}:
        by_rule[url] = frozenset(agents_of(from_url(url, suffix), search)) & who.keys()
    return [Room(one["uid"][0], one.get("cn", one["uid"])[0], _bookers(one, who, by_rule)) for one in entries]


def _bookers(
    room: Values, who: Mapping[str, frozenset[str]], by_rule: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    words = set(room.get("mpBooker", ()))
    if EVERYONE in words:
        return None
    named = frozenset(words & who.keys()).union(*(by_rule[word] for word in words & by_rule.keys()))
    if SCHOOL not in words:
        return named
    schools = _schools(room)
    return named | {uid for uid, own in who.items() if own & schools}


def _schools(entry: Values) -> frozenset[str]:
    return frozenset(code.upper() for code in entry.get("mpEstablishment", ()))


def main(words: Sequence[str]) -> int:
    """The exit code."""

    def work(ways: groupware.Ways) -> Iterable[tuple[str, str]]:
        return rooms.place(known(ways.search, ways.base, ways.profiles), ways.sql, ways.forget)

    stay = "the rooms of SOGo are as they were"
    return groupware.run("sogo-rooms", words, work, stay, changed="new rights to book")
