"""The delegates of the boxes of the directory that share an agenda: those of the box who have SOGo."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.directory.query import Query, Values
from malleposte.groupware.sogo import boxes
from malleposte.groupware.sogo.boxes import Box
from malleposte.groupware.sogo.reading import Reading

from tests.support.directory import MemoryDirectory

HEAD = FunctionalBox("ce.9990001x", "Collège", "ce.9990001x@x.test", delegates=("a1", "light"), agenda=True)


def known(*given: FunctionalBox) -> tuple[list[Box], list[str]]:
    made = MemoryDirectory()
    for uid, profile, opens in (
        ("a1", "convergence", ("ce.9990001x", "dsi")), ("a2", "convergence", ("dsi",)), ("a3", "convergence", ()),
        ("light", "roundcube", ("ce.9990001x",)),
    ):  # fmt: skip
        one = Agent(uid, "Z", uid, f"{uid}@x.test", profile, State.ACTIVE, opens=opens)
        made.add(one.dn(made.suffix), agent_attributes(one))
    for box in given:
        made.add(box.dn(made.suffix), box_attributes(box))

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Values]:
        for branch in ("people", "functional"):
            for entry in made.search(branch, [*attributes, "objectClass"], query):
                yield entry.attributes

    return boxes.read(Reading(made.suffix, search, ("convergence",)))


def test_the_delegates_who_have_sogo_share_the_agenda_of_a_box_that_has_one() -> None:
    dsi = FunctionalBox("dsi", "DSI", "dsi@x.test")
    assert known(HEAD, dsi) == ([Box("ce.9990001x", frozenset({"a1"}))], ["dsi"])
    both = known(HEAD, replace(dsi, agenda=True))
    assert both == ([Box("ce.9990001x", frozenset({"a1"})), Box("dsi", frozenset({"a1", "a2"}))], [])


def test_a_box_that_ends_shares_none_and_one_without_delegates_keeps_its_own() -> None:
    assert known(replace(HEAD, state=State.SUSPENDED)) == ([], ["ce.9990001x"])
    assert known(replace(HEAD, state=State.BLOCKED))[0] == [Box("ce.9990001x", frozenset({"a1"}))]
    assert known(replace(HEAD, uid="seul"))[0] == [Box("seul", frozenset())]
