"""The agendas of rooms in SOGo: made closed, then opened to those who may book."""

import json
import plistlib
import re
from collections.abc import Iterable

import pytest
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError
from malleposte.groupware.sogo import room_agendas as rooms
from malleposte.groupware.sogo.room_agendas import BOOKS, Room

ALL = Room("salle.a", "Salle A", None)
SOME = Room("salle.b", "Salle B", frozenset({"a1", "a2"}))


class Tables:
    """SOGo's tables, as far as the statements go."""

    def __init__(self) -> None:
        self.folders: dict[str, int] = {}
        self.rights: dict[int, set[tuple[str, str]]] = {}
        self.forgot: list[str] = []
        self.made: list[str] = []
        self.deaf = False

    def put(self, uid: str, content: bytes) -> None:
        ((path, table),) = plistlib.loads(content)["tables"].items()
        assert path == f"/Users/{uid}/Calendar/personal"
        self.made.append(uid)
        if not self.deaf:
            self.folders[uid] = len(self.folders) + 1
            self.rights[self.folders[uid]] = {(who, role) for who, roles in table["acl"].items() for role in roles}
            assert self.rights[self.folders[uid]] == {(ANYBODY, NOTHING)}, "anybody may book"

    def forget(self, keys: Iterable[str]) -> None:
        self.forgot += keys

    def sql(self, text: str) -> str:
        lists = [json.loads(one) for one in re.findall(r"[(]'(\[[^']*\])'[)]", text)]
        if "FROM sogo_folder_info" in text:
            found = [
                {"id": self.folders[uid], "owner": uid, "name": "personal", "module": "Calendar", "title": ""}
                for uid in lists[0] if uid in self.folders
            ]  # fmt: skip
            return "".join(json.dumps(one) + "\n" for one in found)
        if "INSERT" not in text:
            rows = [{"id": one, "uid": uid, "role": role} for one in lists[0] for uid, role in sorted(self.rights[one])]
            return "".join(json.dumps(one) + "\n" for one in rows)
        number = int(re.findall(r"c_folder_id = (\d+)", text)[0])
        wrong, right = lists
        kept = {pair for pair in self.rights[number] if pair[0] not in wrong}
        self.rights[number] = kept | {(one["uid"], one["role"]) for one in right}
        owner = next(uid for uid, one in self.folders.items() if one == number)
        assert f"'/{owner}/Calendar/personal'" in text
        return ""

    def place(self, *wanted: Room) -> list[tuple[str, str]]:
        return list(rooms.place(wanted, self.sql, self.forget, self.put))


def test_an_agenda_is_made_once_and_opened_to_those_who_may_book() -> None:
    tables = Tables()
    assert tables.place(ALL, SOME) == [("salle.a", ""), ("salle.b", "")]
    assert tables.rights[tables.folders["salle.a"]] == {(ANYBODY, role) for role in BOOKS}
    some = {(uid, role) for uid in ("a1", "a2") for role in BOOKS}
    assert tables.rights[tables.folders["salle.b"]] == {(ANYBODY, NOTHING)} | some
    assert set(tables.forgot) == {"salle.a/Calendar/personal+acl", "salle.b/Calendar/personal+acl"}
    assert tables.place(ALL, SOME) == []
    assert tables.made == ["salle.a", "salle.b"]


def test_who_may_book_no_longer_loses_the_right_and_others_keep_theirs() -> None:
    tables = Tables()
    tables.place(ALL, SOME)
    assert tables.place(ALL, Room("salle.b", "Salle B", frozenset({"a2", "a3"}))) == [("salle.b", "")]
    assert {uid for uid, _ in tables.rights[tables.folders["salle.b"]]} == {ANYBODY, "a2", "a3"}
    tables.place(Room("salle.a", "Salle A", frozenset()))
    assert tables.rights[tables.folders["salle.a"]] == {(ANYBODY, NOTHING)}


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
