"""Rooms and equipment that agents book in their agendas: from an operator's words, or a feed's row, to changes.

A resource has no log-in and no mailbox; its agenda in SOGo follows its entry (malleposte.groupware.sogo.room_agendas).
Without a booker nobody books it.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterable, Sequence

from malleposte.accounts import names
from malleposte.accounts.feed import Feed, RoomRow, rows
from malleposte.accounts.life.base import change
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.accounts.plan.current import Current
from malleposte.core.errors import InputError
from malleposte.directory.model import (
    EVERYONE,
    SCHOOL,
    Attributes,
    Resource,
    ResourceKind,
    State,
    first,
    resource_attributes,
)
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists.rule import parse, to_url
from malleposte.platform.identity import is_uid

ROOM = ("uid", "cn", "displayName", "mail", "mpResourceKind", "mpBookings", "mpBooker", "mpEstablishment", "mpState")
KINDS = {"room": ResourceKind.ROOM, "equipment": ResourceKind.EQUIPMENT}
_FRENCH = {"tous": EVERYONE, "ecole": SCHOOL, "école": SCHOOL, "etablissement": SCHOOL, "établissement": SCHOOL}
DECIDES = {
    "intitule": ("cn", "displayName"),
    "uai": ("mpEstablishment",),
    "type": ("mpResourceKind",),
    "reservations": ("mpBookings",),
    "reservable": ("mpBooker",),
}
"""The fields of an existing resource that each column decides; a field without a column stays as it is."""


def find(directory: Directory, name: str) -> Entry:
    """The resource of a uid or an address. Raises InputError."""
    word = name.strip().lower()
    rooms = list(directory.search("resources", ROOM, AnyOf((Equal("uid", word), Equal("mail", word)))))
    if not rooms:
        raise InputError(f"no room or equipment {name}", "`malleposte accounts room list` shows them")
    return rooms[0]


def bookers(directory: Directory, words: Iterable[str], schools: Sequence[str]) -> tuple[str, ...]:
    """The agents who may book, as they are kept: @everyone, @school, uids, and rules as URLs. Raises InputError."""
    names = tuple(dict.fromkeys(_booker(directory, word.strip()) for word in words))
    if SCHOOL in names and not schools:
        raise InputError(
            f"{SCHOOL} books nothing here: no school is given", "give its UAI code", french="aucun UAI : quelle école ?"
        )
    return names


def _booker(directory: Directory, word: str) -> str:
    if word.lower() in (EVERYONE, SCHOOL):
        return word.lower()
    if word.lower() in _FRENCH:
        return _FRENCH[word.lower()]
    if "=" in word:
        return to_url(parse(word), directory.suffix)
    condition = AnyOf((Equal("uid", word.lower()), Equal("mailLocalAddress", word.lower())))
    for entry in directory.search("people", ("uid",), condition):
        return first(entry.attributes, "uid")
    raise InputError(
        f"no agent {word}",
        f"a uid, an address, a rule such as 'uai=9990001X', {EVERYONE} or {SCHOOL}",
        french=f"le compte {word} n’existe pas",
    )


def create(one: Resource, taken: Container[str], suffix: str, line: int = 0) -> Change:
    """A new resource. `taken`: every name in use or used before. Raises InputError."""
    if not is_uid(one.uid):
        raise InputError(
            f"{one.uid!r} cannot be a room",
            "small letters, digits, dots, hyphens, 64 at most",
            french=f"{one.uid!r} : lettres minuscules, chiffres, points et tirets, 64 au plus",
        )
    names.refuse_used((one.uid, one.mail), taken, names.A_NAME)
    return Change(Kind.ROOM, one.uid, one.dn(suffix), {}, resource_attributes(one), line)


def edit(entry: Entry, attributes: Attributes, line: int = 0) -> list[Change]:
    """The changes that bring a resource to this state. Raises InputError where nobody would know which school books."""
    whole = entry.attributes | attributes
    if SCHOOL in whole.get("mpBooker", ()) and not whole.get("mpEstablishment"):
        raise InputError(
            f"{first(entry.attributes, 'uid')}: {SCHOOL} books it, and no school is left",
            "give its UAI code, or other bookers",
            french="aucun UAI : quelle école ?",
        )
    return change(Kind.ROOM, entry, attributes, line=line)


def plan(feed: Feed, current: Current, domain: str, now: datetime.datetime) -> tuple[Plan, Feed]:
    """Resources to make or to change, and the feed with all that it refused. One that is missing is never removed."""
    return rows.plan(feed, feed.rooms, "ressource", lambda row: _changes(row, feed, current, domain), domain, now)


def _changes(row: RoomRow, feed: Feed, current: Current, domain: str) -> list[Change]:
    directory = current.directory
    entry = next(iter(directory.search("resources", ROOM, {"uid": row.uid})), None)
    schools = (
        row.schools if entry is None or "uai" in feed.columns.places else entry.attributes.get("mpEstablishment", [])
    )
    one = Resource(
        uid=row.uid,
        name=row.title or row.uid,
        mail=f"{row.uid}@{domain}",
        kind=ResourceKind.EQUIPMENT if row.equipment else ResourceKind.ROOM,
        bookings=row.bookings,
        bookers=bookers(directory, row.bookers, tuple(schools)) or (EVERYONE,),
        establishments=row.schools,
    )
    if entry is None:
        return [create(one, current.names(), directory.suffix, row.line)]
    return edit(entry, rows.decided(feed, DECIDES, resource_attributes(one)), row.line)


def suspended(entry: Entry, *, suspend: bool) -> list[Change]:
    """Take a resource out of service, or back."""
    state = State.SUSPENDED if suspend else State.ACTIVE
    return change(Kind.ROOM, entry, {"mpState": [state.value]})
