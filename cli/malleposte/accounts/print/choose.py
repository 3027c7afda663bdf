"""The recipients of letters, by school and name: agents who have no password yet, or who need another."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from malleposte.accounts.credentials.codes import ATTRIBUTES
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import All, AnyOf, Equal, Present
from malleposte.platform.times import when
from malleposte.policy.rules import fold

ASKED = ("uid", "givenName", "sn", "mail", "mpState", "mpStateChanged", "mpEstablishment", "mpNumenDigest",
         "mpLetterAsked", *ATTRIBUTES)  # fmt: skip
LETTER_ASKED = "mpLetterAsked"
"""The time at which the help desk asked for a new letter; the letter ends the wish."""
OPENED = (State.ACTIVE, State.BLOCKED, State.EXPIRED)
"""States of an account that had a password: a letter of these is for another one."""
MOST = 500
"""Letters of one file: a number that fits into memory, and that a person can carry."""


@dataclass(frozen=True)
class School:
    """The address of a letter; agents without a school get a letter without a code."""

    uai: str = ""
    name: str = ""
    place: str = ""


@dataclass(frozen=True)
class Reader:
    """The recipient of a letter, and the codes that are valid at this moment."""

    uid: str
    dn: str
    given_name: str
    surname: str
    mail: str
    uai: str
    before: Attributes
    reset: bool = False
    """Whether the code is for another password, and not for a first one."""


@dataclass(frozen=True)
class Part:
    """Letters of one file: those of a school, in several parts where they are many."""

    school: School
    number: int
    readers: tuple[Reader, ...]

    @property
    def name(self) -> str:
        """The file's name without ending."""
        return (self.school.uai or "sans-etablissement") + (f"-{self.number}" if self.number > 1 else "")


def readers(
    directory: Directory, *, uids: Sequence[str] = (), school: str = "", since: datetime.date | None = None,
    asked: bool = False, reset: bool = False,
) -> list[Reader]:  # fmt: skip
    """Agents who wait: all, those named, those of one school, those who came since a date; by school and name.

    `asked`: those for whom the help desk asked for a new letter. `reset`: those too who have a password, or had one.

    Raises InputError, with every name, where one that is named cannot get a letter.
    """
    states = (State.PENDING, *(OPENED if reset else ()))
    in_state = AnyOf(tuple(Equal("mpState", state.value) for state in states))
    waiting = All((in_state, *((Present(LETTER_ASKED),) if asked else ())))
    entries = _named(directory, uids, states) if uids else directory.search("people", ASKED, waiting)
    chosen = [_reader(entry, school) for entry in entries if _meant(entry.attributes, school, since, named=bool(uids))]
    return sorted(chosen, key=lambda one: (one.uai, fold(one.surname), fold(one.given_name), one.uid))


def _named(directory: Directory, names: Iterable[str], states: Collection[str]) -> Iterator[Entry]:
    """Return the agents of log-ins or addresses, each once."""
    entries: dict[str, Entry] = {}
    wrong: list[str] = []
    for uid in dict.fromkeys(names):
        match = AnyOf(tuple(Equal(name, uid.lower()) for name in ("uid", "mailLocalAddress", "mpLoginAlias")))
        entry = next(directory.search("people", ASKED, match), None)
        if entry is None:
            wrong.append(f"{uid} is nobody")
        elif first(entry.attributes, "mpState") not in states:
            wrong.append(f"{uid} is {first(entry.attributes, 'mpState')}")
        elif not entry.attributes.get("mpNumenDigest"):
            wrong.append(f"{uid} has no NUMEN")
        else:
            entries[entry.dn] = entry
    if wrong:
        raise InputError(
            f"no letter can be made: {', '.join(wrong)}",
            "letters are for agents of a feed who have not activated their account; --reset: for the others too",
        )
    return iter(entries.values())


def _meant(attributes: Attributes, school: str, since: datetime.date | None, *, named: bool) -> bool:
    """Whether an entry is among those asked for; without a NUMEN nobody can activate an account."""
    if named:
        return True
    if not attributes.get("mpNumenDigest") or (school and school not in attributes.get("mpEstablishment", [])):
        return False
    changed = when(first(attributes, "mpStateChanged"))
    return since is None or (changed is not None and changed.date() >= since)


def _reader(entry: Entry, school: str) -> Reader:
    attributes = entry.attributes
    return Reader(
        uid=first(attributes, "uid"),
        dn=entry.dn,
        given_name=first(attributes, "givenName"),
        surname=first(attributes, "sn"),
        mail=first(attributes, "mail"),
        uai=school or first(attributes, "mpEstablishment"),
        before={name: list(attributes.get(name, [])) for name in (*ATTRIBUTES, LETTER_ASKED)},
        reset=first(attributes, "mpState") != State.PENDING,
    )


def parts(directory: Directory, chosen: Sequence[Reader], most: int = MOST) -> Iterator[Part]:
    """The letters' files, in order."""
    schools = {
        first(entry.attributes, "mpEstablishment"): entry.attributes
        for entry in directory.search("establishments", ("mpEstablishment", "o", "l", "postalCode"))
    }
    for uai, group in groupby(chosen, key=lambda one: one.uai):
        names = schools.get(uai, {})
        place = " ".join((first(names, "postalCode"), first(names, "l"))).strip()
        school, all_of_it = School(uai, first(names, "o"), place), list(group)
        for start in range(0, len(all_of_it), most):
            yield Part(school, start // most + 1, tuple(all_of_it[start : start + most]))
