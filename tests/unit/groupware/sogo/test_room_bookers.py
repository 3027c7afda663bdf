"""Those who may book the rooms of the directory: everybody, a school, named agents, a rule; of those who have SOGo."""

from collections.abc import Iterable, Sequence

from malleposte.directory.model import (
    EVERYONE,
    SCHOOL,
    Agent,
    Resource,
    State,
    agent_attributes,
    resource_attributes,
)
from malleposte.directory.query import Query, Values
from malleposte.groupware.sogo import room_agendas
from malleposte.groupware.sogo.reading import Reading
from malleposte.groupware.sogo.room_agendas import Room
from malleposte.lists.rule import parse, to_url

from tests.support.directory import MemoryDirectory

DIRECTORY = MemoryDirectory()
SUFFIX = DIRECTORY.suffix
RULE = to_url(parse("fonction=Principal"), SUFFIX)


def filled(*rooms: Resource) -> MemoryDirectory:
    made = MemoryDirectory()
    for uid, school, function, profile in (
        ("a1", "9990001X", "Principal", "convergence"),
        ("a2", "9990001X", "", "convergence"),
        ("a3", "9990002Y", "Principal", "convergence"),
        ("light", "9990001X", "Principal", "roundcube"),
    ):
        one = Agent(uid, "Z", uid, f"{uid}@x.test", profile, State.ACTIVE, establishments=(school,), function=function)
        made.add(one.dn(made.suffix), agent_attributes(one))
    for room in rooms:
        made.add(room.dn(made.suffix), resource_attributes(room))
    return made


def known(*rooms: Resource) -> dict[str, Room]:
    directory = filled(*rooms)

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Values]:
        for branch in ("people", "resources", "establishments"):
            for entry in directory.search(branch, [*attributes, "objectClass"], query):
                yield entry.attributes

    return {one.uid: one for one in room_agendas.read(Reading(SUFFIX, search, ("convergence",)))}


def room(uid: str, *bookers: str, state: State = State.ACTIVE) -> Resource:
    return Resource(uid, f"Salle {uid}", f"{uid}@x.test", bookers=bookers, establishments=("9990001X",), state=state)


def test_each_way_to_say_who_may_book() -> None:
    found = known(
        room("tous", EVERYONE, "a1"), room("ecole", SCHOOL), room("nomme", "a3", "light", "parti"), room("regle", RULE),
        room("mixte", RULE, SCHOOL), room("personne"),
    )  # fmt: skip
    assert {uid: one.bookers for uid, one in found.items()} == {
        "tous": None, "ecole": {"a1", "a2"}, "nomme": {"a3"}, "regle": {"a1", "a3"}, "mixte": {"a1", "a2", "a3"},
        "personne": frozenset(),
    }  # fmt: skip
    assert found["tous"].title == "Salle tous"


def test_a_room_out_of_service_is_left_as_it_is() -> None:
    assert set(known(room("a", EVERYONE), room("b", EVERYONE, state=State.SUSPENDED))) == {"a"}
