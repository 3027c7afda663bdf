"""The agendas of rooms in SOGo: made closed, then opened to those who may book."""

import pytest
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError
from malleposte.groupware.sogo import room_agendas as rooms
from malleposte.groupware.sogo.room_agendas import BOOKS, Room

from tests.support.sogo_tables import Agendas

ALL = Room("salle.a", "Salle A", None)
SOME = Room("salle.b", "Salle B", frozenset({"a1", "a2"}))


class Tables(Agendas):
    """The agendas of rooms."""

    def place(self, *wanted: Room) -> list[tuple[str, str]]:
        return list(rooms.place(wanted, self.sql, self.forget, self.put))


def test_an_agenda_is_made_once_and_opened_to_those_who_may_book() -> None:
    tables = Tables()
    assert tables.place(ALL, SOME) == [("salle.a", ""), ("salle.b", "")]
    assert tables.of("salle.a") == {(ANYBODY, role) for role in BOOKS}
    some = {(uid, role) for uid in ("a1", "a2") for role in BOOKS}
    assert tables.of("salle.b") == {(ANYBODY, NOTHING)} | some
    assert set(tables.forgot) == {"salle.a/Calendar/personal+acl", "salle.b/Calendar/personal+acl"}
    assert tables.place(ALL, SOME) == []
    assert tables.wrote.count("put") == len(tables.folders) == 2


def test_who_may_book_no_longer_loses_the_right_and_others_keep_theirs() -> None:
    tables = Tables()
    tables.place(ALL, SOME)
    assert tables.place(ALL, Room("salle.b", "Salle B", frozenset({"a2", "a3"}))) == [("salle.b", "")]
    assert {uid for uid, _ in tables.of("salle.b")} == {ANYBODY, "a2", "a3"}
    tables.place(Room("salle.a", "Salle A", frozenset()))
    assert tables.of("salle.a") == {(ANYBODY, NOTHING)}


def test_an_agenda_that_is_not_there_is_told_and_the_others_are_done() -> None:
    tables = Tables()
    tables.place(ALL)
    tables.deaf = True
    assert tables.place(SOME, Room("salle.a", "Salle A", frozenset())) == [
        ("salle.b", "SOGo made no agenda of it"),
        ("salle.a", ""),
    ]


def test_a_fault_of_the_database_is_no_silence() -> None:
    def away(_text: str) -> str:
        raise MallepostError("no answer")

    with pytest.raises(MallepostError):
        list(rooms.place([ALL], away, print, lambda _uid, _content: None))
