"""The address books of schools in SOGo: cards by name, readers with rights and the book in their lists."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from malleposte.accounts import names
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError
from malleposte.groupware.sogo import schools
from malleposte.groupware.sogo.schools import OWNER, READS, Book, Card

from tests.support.sogo_tables import Tables, lists, number

NOW = 1_800_000_000.0
ZOE = Card("a1", "Zoé Martin", "zoe.martin@x.test", "Zoé", "Martin", "Principal")
PAUL = Card("a2", "Paul Petit", "paul.petit@x.test", "Paul", "Petit")
HERE = Book("9990001x", "Collège Été", (ZOE, PAUL), frozenset({"a1", "a2"}))
THERE = Book("9990002y", "Lycée", (PAUL,), frozenset({"a2"}))


def listed(ident: str) -> str:
    return f"{OWNER}:Contacts/{ident}"


def readers(*uids: str) -> set[tuple[str, str]]:
    return {(ANYBODY, NOTHING), *((uid, READS) for uid in uids)}


class Shelf(Tables):
    """The address books of schools."""

    module = "Contacts"

    def __init__(self) -> None:
        super().__init__("malleposte_school_books")
        self.books: dict[str, dict[str, Any]] = {}
        self.marks |= {
            "c_foldername AS title": lambda _text: (
                {"id": one["id"], "owner": OWNER, "name": ident, "module": "Contacts", "title": one["title"]}
                for ident, one in self.books.items()
            ),
            "AS folder, s.c_name AS name": lambda _text: (
                {"folder": ident, "name": name} for ident, one in self.books.items() for name in one["cards"]
            ),
            "CREATE TEMP TABLE gone": self._gone,
            "SET c_foldername": self._title,
            "DELETE FROM sogo_folder_info": self._drop,
        }

    def made(self, uid: str, path: str, table: dict[str, Any]) -> int:
        assert uid == OWNER
        ident = path.removeprefix(f"/Users/{OWNER}/Contacts/")
        new = {"id": len(self.books) + 1, "title": table["displayname"], "cards": {}}
        one = self.books.setdefault(ident, new)
        one["cards"] |= {record["c_name"]: record["c_content"] for record in table["records"]}
        return int(one["id"])

    def _book(self, text: str) -> str:
        return next(ident for ident, one in self.books.items() if one["id"] == number(text))

    def _gone(self, text: str) -> None:
        self.wrote.append("gone")
        for one in lists(text)[0]:
            del self.books[one["folder"]]["cards"][one["name"]]

    def _title(self, text: str) -> None:
        self.books[self._book(text)]["title"] = re.findall("= '(.*?)' W", text)[0]

    def _drop(self, text: str) -> None:
        del self.books[self._book(text)]

    def cards(self, ident: str) -> list[str]:
        """The texts of a book; a property list has no CR."""
        return sorted(text.replace("\n", "\r\n") for text in self.books[ident]["cards"].values())

    def of(self, ident: str) -> set[tuple[str, str]]:
        return self.rights[self.books[ident]["id"]]

    def place(self, *wanted: Book) -> list[tuple[str, str]]:
        self.wrote.clear()
        self.forgot.clear()
        return list(schools.place(wanted, self.sql, self.forget, NOW, self.put))


@pytest.fixture
def tables() -> Shelf:
    return Shelf()


def test_each_school_has_its_people_for_its_own_agents_alone(tables: Shelf) -> None:
    tables.settings = {"a1": '{"Contacts":{"SortingState":["c_cn","1"]},"Mail":{"x":1}}', "stranger": "{}"}
    assert tables.place(HERE, THERE) == [("9990001x", ""), ("9990002y", "")]
    assert tables.books["9990001x"]["title"] == "Collège Été"
    assert tables.cards("9990001x") == sorted(card.text("Collège Été") for card in (ZOE, PAUL))
    assert (tables.of("9990001x"), tables.of("9990002y")) == (readers("a1", "a2"), readers("a2"))
    assert (tables.seen("a1"), tables.seen("a2")) == ([listed("9990001x")], [listed("9990001x"), listed("9990002y")])
    assert json.loads(tables.settings["a1"])["Contacts"]["SortingState"] == ["c_cn", "1"]
    assert tables.settings["stranger"] == "{}"
    assert "FolderColors" not in tables.settings["a1"]


def test_nothing_is_written_when_nothing_changed(tables: Shelf) -> None:
    tables.place(HERE, THERE)
    assert tables.place(HERE, THERE) == []
    assert tables.wrote == tables.forgot == []


def test_only_the_cards_that_changed_are_written_and_the_others_stay(tables: Shelf) -> None:
    tables.place(HERE, THERE)
    names_before = set(tables.books["9990001x"]["cards"])
    married = replace(ZOE, name="Zoé Durand", surname="Durand")
    assert tables.place(replace(HERE, cards=(married, PAUL)), THERE) == [("9990001x", "")]
    assert tables.cards("9990001x") == sorted(card.text("Collège Été") for card in (married, PAUL))
    assert len(names_before & set(tables.books["9990001x"]["cards"])) == 1
    assert tables.place(replace(HERE, cards=(PAUL,)), THERE) == [("9990001x", "")]
    assert tables.wrote == ["gone"]


def test_who_leaves_a_school_loses_its_book_and_a_school_that_is_gone_leaves_nothing(tables: Shelf) -> None:
    tables.place(HERE, THERE)
    assert tables.place(replace(HERE, readers=frozenset({"a1"})), THERE) == [("9990001x", "")]
    assert (tables.of("9990001x"), tables.seen("a2")) == (readers("a1"), [listed("9990002y")])
    assert tables.wrote == ["rights", "settings"], "SOGo drops a subscription without a right"
    assert tables.place(HERE) == [("9990001x", ""), ("9990002y", "")]
    assert (list(tables.books), tables.seen("a2")) == (["9990001x"], [listed("9990001x")])


@pytest.mark.parametrize("step", ["WITH told", "CREATE TEMP TABLE gone", "DELETE FROM sogo_folder_info"])
def test_interrupted_and_run_again_it_ends_in_the_same_place(tables: Shelf, step: str) -> None:
    tables.place(HERE, THERE)
    wanted = replace(HERE, cards=(PAUL,), readers=frozenset({"a2"}))
    tables.fails = step
    try:
        assert [ident for ident, fault in tables.place(wanted) if fault], "one school is named, the others go on"
    except MallepostError:
        assert step == "CREATE TEMP TABLE gone", "cards are written for all of them at once"
    tables.fails = ""
    tables.place(wanted)
    assert (list(tables.books), tables.of("9990001x")) == (["9990001x"], readers("a2"))
    assert (tables.cards("9990001x"), tables.seen("a1")) == ([PAUL.text("Collège Été")], [])


def test_a_new_name_of_a_school_and_a_tool_that_makes_nothing(tables: Shelf) -> None:
    tables.place(HERE)
    assert tables.place(replace(HERE, title="Collège Hiver")) == [("9990001x", "")]
    assert tables.books["9990001x"]["title"] == "Collège Hiver"
    tables.deaf = True
    assert ("9990002y", "SOGo made no address book of it") in tables.place(HERE, THERE)


def test_many_cards_come_in_several_runs_of_the_tool(tables: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schools, "AT_ONCE", 2)
    many = tuple(replace(PAUL, uid=f"b{number}") for number in range(5))
    tables.place(replace(HERE, cards=many), THERE)
    assert tables.wrote.count("put") == 3
    assert (len(tables.cards("9990001x")), len(tables.cards("9990002y"))) == (5, 1)


def test_so_many_cards_wait_for_the_next_time_and_nothing_is_a_fault(
    tables: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schools, "AT_ONCE", 2)
    monkeypatch.setattr(schools, "RUNS", 2)
    many = replace(HERE, cards=tuple(replace(PAUL, uid=f"b{number}") for number in range(5)))
    assert tables.place(many, THERE) == [("9990001x", ""), ("9990002y", "")]
    assert (len(tables.cards("9990001x")), list(tables.books)) == (4, ["9990001x"])
    assert tables.place(many, THERE) == [("9990001x", ""), ("9990002y", "")]
    assert (len(tables.cards("9990001x")), len(tables.cards("9990002y"))) == (5, 1)
    assert tables.place(many, THERE) == []


def test_a_card_cannot_be_broken_open() -> None:
    text = Card("a1", "Zoé; Martin,\r\nEMAIL:x@y", "z@x.test", function="A\\B").text("Collège; Été")
    assert [line.partition(":")[0] for line in text.split("\r\n")] == [
        "BEGIN", "VERSION", "UID", "FN", "N", "EMAIL;TYPE=work", "TITLE", "ORG", "END", "",
    ]  # fmt: skip
    assert r"FN:Zoé\; Martin\, EMAIL:x@y" in text
    assert r"TITLE:A\\B" in text


def test_the_owner_is_no_agent_s_name() -> None:
    assert names.reserved(OWNER)
