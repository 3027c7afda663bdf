"""The people of each school, without the hidden ones, and those of them who have SOGo."""

from collections.abc import Iterable, Sequence

from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.directory.query import Query, Values
from malleposte.groupware.sogo import schools
from malleposte.groupware.sogo.reading import Reading
from malleposte.groupware.sogo.schools import Book, Card

from tests.support.directory import MemoryDirectory

HERE, THERE = "9990001X", "9990002Y"


def known(*boxes: FunctionalBox) -> dict[str, Book]:
    made = MemoryDirectory()
    for uid, profile, state, codes, hidden in (
        ("a1", "convergence", State.ACTIVE, (HERE,), False),
        ("light", "roundcube", State.PENDING, (HERE, THERE), False),
        ("hidden", "convergence", State.ACTIVE, (HERE,), True),
        ("left", "convergence", State.SUSPENDED, (HERE,), False),
        ("free", "convergence", State.ACTIVE, (), False),
        ("a4", "convergence", State.ACTIVE, ("9990009Z",), False),
    ):
        one = Agent(uid, "Z", uid, f"{uid}@x.test", profile, state, establishments=codes, hidden=hidden)
        made.add(one.dn(made.suffix), agent_attributes(one))
    for box in boxes:
        made.add(box.dn(made.suffix), box_attributes(box))
    for code, name in ((HERE, "Collège"), (THERE, "Lycée")):
        made.add(
            f"mpEstablishment={code},ou=establishments,{made.suffix}",
            {"objectClass": ["mpSchool"], "mpEstablishment": [code], "o": [name]},
        )

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Values]:
        for branch in ("people", "functional", "establishments"):
            for entry in made.search(branch, [*attributes, "objectClass"], query):
                yield entry.attributes

    reading = Reading(made.suffix, search, ("convergence",))
    return {one.ident: one for one in schools.read(reading, {"active", "pending"})}


def test_the_people_of_a_school_and_who_of_them_reads() -> None:
    box = FunctionalBox("ce.9990001x", "Direction", "ce.9990001x@x.test", establishments=(HERE,))
    (book,) = known(box).values()
    assert (book.ident, book.title, book.readers) == ("9990001x", "Collège", {"a1", "hidden", "left"})
    assert [card.uid for card in book.cards] == ["a1", "ce.9990001x", "light"]
    assert book.cards[0] == Card("a1", "Z a1", "a1@x.test", "Z", "a1")
    assert book.cards[1] == Card("ce.9990001x", "Direction", "ce.9990001x@x.test")
