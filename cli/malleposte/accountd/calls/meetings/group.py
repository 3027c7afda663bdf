"""The people of a meeting, as an agent types them: log-ins and addresses of colleagues, lists, addresses outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from malleposte.accountd.context import Context, ForbiddenError, RefusedValueError
from malleposte.accountd.message import Forbidden, Message
from malleposte.accounts.convocations.model import Person
from malleposte.accounts.convocations.people import Contact, People, suspended
from malleposte.accounts.meetings.model import MOST_PEOPLE, Asked
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.lists.members import first_of, is_member
from malleposte.lists.model import entry_of, to_list

MANY, PEOPLE = "many", "people"
"""The words of a refusal: more people than a meeting may have; somebody who is nobody."""
LONGEST_NAME = 120
MEETINGS_A_DAY = 30
"""Meetings and polls of an agent."""
Typed = Annotated[str, Meta(max_length=6000)]
"""A log-in, an address, or a list, a line each."""


class Guest(Message, frozen=True):
    """Somebody of a group: the uid, or the address of who is outside; `known`: whether busy times are known."""

    key: str
    name: str
    outside: bool = False
    known: bool = False


@dataclass(frozen=True)
class Group:
    """The people, the one who asks first, and the words that are nobody's."""

    people: tuple[Contact, ...]
    refused: tuple[str, ...] = ()

    @property
    def persons(self) -> list[Person]:
        """The persons but for the one who asks."""
        return [one.person for one in self.people[1:]]

    def asked(self) -> tuple[Asked, ...]:
        """Return what is asked of agendas: those of agents whom colleagues may see."""
        return tuple(
            Asked(one.person.uid, first(one.entry.attributes, "mpProfile"), tuple(sorted(one.addresses))[:50])
            for one in self.people
            if one.entry is not None and not (hidden(one) and one is not self.people[0])
        )

    def guests(self, readable: Iterable[str] = ()) -> tuple[Guest, ...]:
        """Return them as they are shown; `readable`: the uids of those whose busy times are."""
        there = set(readable)
        return tuple(
            Guest(key_of(one.person), one.person.name[:LONGEST_NAME], not one.person.uid, one.person.uid in there)
            for one in self.people
        )


def read(context: Context, uid: str, typed: str) -> Group:
    """Return the group of an agent and of what was typed. Raises RefusedValueError where they are too many."""
    people = People(context.directory, None, context.tools.domain)
    by_key, refused = dict[str, Contact](), list[str]()
    owner = people.of(uid)
    assert owner is not None
    by_key[uid] = owner
    words = [word for line in typed.splitlines() for word in line.replace(";", ",").split(",") if word.strip()]
    if len(words) > MOST_PEOPLE:
        raise RefusedValueError(MANY)
    for word in words:
        there = list(_of(context, uid, people, word.strip()))
        for one in there:
            by_key.setdefault(key_of(one.person), one)
        if not there:
            refused.append(word.strip()[:100])
        if len(by_key) > MOST_PEOPLE:
            raise RefusedValueError(MANY)
    return Group(tuple(by_key.values()), tuple(refused))


def invited(context: Context, uid: str, typed: str) -> Group:
    """Return the group of a meeting, or of a poll for one, that counts as the agent's of this day.

    Raises RefusedValueError where somebody is nobody, ForbiddenError.
    """
    people = read(context, uid, typed)
    if people.refused or not people.persons:
        raise RefusedValueError(PEOPLE)
    taken = context.tools.limits.day(uid, "meetings", MEETINGS_A_DAY)
    if taken.wait:
        raise ForbiddenError(Forbidden.CAP)
    context.taken.append(taken)
    return people


def key_of(person: Person) -> str:
    """Return the key of a person in a group."""
    return person.uid or person.address


def shortened(one: Person) -> Person:
    """Return a person with a name of some length: an invitation names all of them."""
    return msgspec.structs.replace(one, name=one.name[:60])


def hidden(one: Contact) -> bool:
    """Whether an agent is in no address book, so that a colleague is told nothing of the times."""
    return one.entry is not None and first(one.entry.attributes, "mpHidden") == "TRUE"


def _of(context: Context, uid: str, people: People, word: str) -> Iterator[Contact]:
    """Yield the people of a word; nobody where it is none, or a list that is not the agent's to read."""
    try:
        one = people.find(word)
    except InputError:
        yield from _of_list(context, uid, people, word)
        return
    if suspended(one):
        return
    # The name of somebody who is in no address book is not told: the word is known already.
    yield Contact(Person(one.person.address, one.person.uid, word), one.entry) if hidden(one) else one


def _of_list(context: Context, uid: str, people: People, word: str) -> Iterator[Contact]:
    entry = entry_of(context.directory, word)
    one = to_list(entry.attributes) if entry else None
    if one is None or not (uid in (*one.managers, *one.moderators) or is_member(context.directory, one, uid, "")):
        return
    for member in first_of(context.directory, one, MOST_PEOPLE + 1):
        if member.uid:
            person = people.of(member.uid)
            if person is not None and not suspended(person):
                yield person
        else:
            yield Contact(Person(member.address, "", member.address))
