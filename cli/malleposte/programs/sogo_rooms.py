"""Let agents book the rooms and equipment of the directory, as SOGo's user (role sogo).

Usage: sogo-rooms BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]

Each room gets its agenda, and on it the rights of those who may book: agents of these classes, who have SOGo. Schools
and rules are looked up again each time. The password for the directory comes from systemd.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from malleposte.accounts.agendas import rooms
from malleposte.accounts.agendas.rooms import Room
from malleposte.accounts.channels.sogo import delete
from malleposte.adapters import ldapsearch, ldif, postgresql
from malleposte.directory.model import EVERYONE, SCHOOL, State
from malleposte.directory.query import All, AnyOf, Equal, Query
from malleposte.errors import MallepostError
from malleposte.lists.rule import Found, Search, agents_of, from_url
from malleposte.platform.identity import is_uid

SECONDS = 120
ROOMS = All((Equal("objectClass", "mpResource"), Equal("mpState", State.ACTIVE.value)))


def readable(entry: ldif.Entry) -> Found:
    """The values of an entry as text."""
    return {name: [one.decode("utf-8", "replace") for one in values] for name, values in entry.attributes.items()}


def agents(search: Search, profiles: Sequence[str]) -> dict[str, frozenset[str]]:
    """Those who have SOGo, and the codes of their schools. Raises MallepostError."""
    classes = (AnyOf(tuple(Equal("mpProfile", one) for one in profiles)),) if profiles else ()
    found = search(All((Equal("objectClass", "mpAgent"), *classes)), ("uid", "mpEstablishment"))
    return {
        one["uid"][0]: frozenset(code.upper() for code in one.get("mpEstablishment", ()))
        for one in found
        if "uid" in one and is_uid(one["uid"][0])
    }


def known(search: Search, suffix: str, profiles: Sequence[str]) -> list[Room]:
    """The rooms of the directory with the agents who may book each. Raises MallepostError."""
    entries = [one for one in search(ROOMS, ("uid", "cn", "mpBooker", "mpEstablishment")) if "uid" in one]
    who = agents(search, profiles) if entries else {}
    by_rule: dict[str, frozenset[str]] = {}
    for url in {word for one in entries for word in one.get("mpBooker", ()) if word.startswith("ldap:")}:
        by_rule[url] = frozenset(agents_of(from_url(url, suffix), search)) & who.keys()
    return [Room(one["uid"][0], one.get("cn", one["uid"])[0], _bookers(one, who, by_rule)) for one in entries]


def _bookers(
    room: Found, who: Mapping[str, frozenset[str]], by_rule: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    words = set(room.get("mpBooker", ()))
    if EVERYONE in words:
        return None
    named = frozenset(words & who.keys()).union(*(by_rule[word] for word in words & by_rule.keys()))
    if SCHOOL not in words:
        return named
    schools = {code.upper() for code in room.get("mpEstablishment", ())}
    return named | {uid for uid, own in who.items() if own & schools}


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 6:
        print("usage: sogo-rooms BASE BIND_DN URI DATABASE MEMCACHED PROFILE[,PROFILE...]", file=sys.stderr)
        return 2
    base, bind_dn, uris, database, memcached = words[:5]
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Found]:
        return map(readable, ldapsearch.search(base, bind_dn, uris, password, query.render(), *attributes))

    def sql(text: str) -> str:
        return postgresql.sql(database, text, user="", timeout=SECONDS)

    def forget(keys: Iterable[str]) -> None:
        delete(Path(memcached), keys)

    failed = 0
    try:
        for uid, fault in rooms.place(known(search, base, [one for one in words[5].split(",") if one]), sql, forget):
            print(f"<4>{uid}: {fault}" if fault else f"{uid}: new rights to book", file=sys.stderr)
            failed |= bool(fault)
    except (MallepostError, OSError) as error:
        print(f"<3>the rooms of SOGo are as they were: {error}", file=sys.stderr)
        return 1
    return failed
