"""The agendas of functional boxes in SOGo follow their delegates: rights first, then the list of each delegate."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError
from malleposte.directory.query import Query
from malleposte.groupware.sogo import boxes, closed
from malleposte.groupware.sogo.boxes import AGENDA, BOOK, Box, Part
from malleposte.groupware.sogo.offers import SETTLED
from malleposte.groupware.sogo.reading import Reading

from tests.support.sogo_tables import Agendas

NOW = 1_800_000_000.0
HEAD = Box("ce.9990001x", frozenset({"a1", "a2"}))
OTHER = Box("dsi", frozenset({"a2"}))
CLOSED = {(ANYBODY, NOTHING)}


def listed(uid: str) -> str:
    return f"{uid}:Calendar/personal"


def writers(*uids: str) -> set[tuple[str, str]]:
    return CLOSED | {(uid, role) for uid in uids for role in AGENDA.writes}


class Shared(Agendas):
    """The agendas of boxes, or the address books of teams."""

    def __init__(self, part: Part = AGENDA) -> None:
        super().__init__(part.table, part.module)
        self.part = part

    def made(self, uid: str, path: str, table: dict[str, Any]) -> int:
        assert table["displayname"] == self.part.title
        return super().made(uid, path, table)

    def place(self, *wanted: Box, others: Iterable[str] = (), now: float = NOW) -> list[tuple[str, str]]:
        self.wrote.clear()
        self.forgot.clear()
        return list(boxes.place(wanted, others, self.sql, self.forget, now, self.put, self.part))


@pytest.fixture
def tables() -> Shared:
    return Shared()


def test_a_reader_has_it_in_the_list_and_writes_nothing_in_it(tables: Shared) -> None:
    team = Box("equipe-x", frozenset({"a1"}), frozenset({"a1", "a2"}))
    assert tables.place(team) == [("equipe-x", "")]
    assert tables.of("equipe-x") == writers("a1") | {("a2", role) for role in AGENDA.reads}, "a delegate is no reader"
    assert tables.seen("a2") == [listed("equipe-x")]
    assert tables.place(Box("equipe-x", frozenset({"a1", "a2"}))) == [("equipe-x", "")]
    assert tables.of("equipe-x") == writers("a1", "a2")


def test_a_team_has_an_address_book_that_members_write_and_readers_read() -> None:
    tables = Shared(BOOK)
    team = Box("equipe-x", frozenset({"a1"}), frozenset({"a2"}))
    assert tables.place(team) == [("equipe-x", "")]
    roles = {("a1", role) for role in BOOK.writes}
    assert tables.of("equipe-x") == CLOSED | roles | {("a2", "ObjectViewer")}
    assert tables.seen("a2") == ["equipe-x:Contacts/personal"]
    assert tables.place(Box("equipe-x", frozenset({"a1"}))) == [("equipe-x", "")], "who leaves loses it"
    assert (tables.of("equipe-x"), tables.seen("a2")) == (CLOSED | roles, [])
    assert tables.place(others=["equipe-x"]) == [("equipe-x", "")]
    assert (tables.of("equipe-x"), tables.seen("a1")) == (CLOSED, [])
    tables.deaf = True
    assert tables.place(HEAD) == [("ce.9990001x", "SOGo made no address book of it")]


def test_teams_alone_have_an_address_book() -> None:
    shared, ended = {"mpAgenda": ["TRUE"]}, {"mpState": ["suspended"]}
    entries: list[dict[str, list[str]]] = [
        {"uid": ["equipe-x"], "mpTeam": ["@dsi"], **shared}, {"uid": ["equipe-y"], "mpTeam": ["a1"], **shared, **ended},
        {"uid": ["ce.9990001x"], **shared},
    ]  # fmt: skip
    agents = [{"uid": ["a1"], "mpOpens": ["equipe-x", "ce.9990001x"]}, {"uid": ["a2"], "mpReads": ["equipe-x"]}]

    def search(condition: Query, _attributes: Sequence[str]) -> list[dict[str, list[str]]]:
        return entries if "mpFunctionalBox" in condition.render() else agents

    reading = Reading("dc=test", search)
    team = Box("equipe-x", frozenset({"a1"}), frozenset({"a2"}))
    assert boxes.read(reading, BOOK) == ([team], ["ce.9990001x", "equipe-y"])
    assert [one.uid for one in boxes.read(reading)[0]] == ["ce.9990001x", "equipe-x"]


def test_each_delegate_writes_and_has_it_in_the_list_and_nobody_else(tables: Shared) -> None:
    tables.settings = {"a1": '{"Mail":{"x":1}}', "stranger": "{}"}
    assert tables.place(HEAD, OTHER) == [("ce.9990001x", ""), ("dsi", "")]
    assert tables.of("ce.9990001x") == writers("a1", "a2")
    assert tables.of("dsi") == writers("a2")
    assert (tables.seen("a1"), tables.seen("a2")) == ([listed("ce.9990001x")], [listed("ce.9990001x"), listed("dsi")])
    assert json.loads(tables.settings["a1"])["Mail"] == {"x": 1}
    assert tables.settings["stranger"] == "{}"
    assert {"ce.9990001x/Calendar/personal+acl", "a1+settings"} <= set(tables.forgot)


def test_nothing_is_written_when_nothing_changed(tables: Shared) -> None:
    tables.place(HEAD, OTHER)
    assert tables.place(HEAD, OTHER, others=["cio"]) == []
    assert tables.wrote == tables.forgot == []


def test_the_end_of_a_delegation_takes_the_right_and_the_place_in_the_list(tables: Shared) -> None:
    tables.place(HEAD, OTHER)
    assert tables.place(Box("ce.9990001x", frozenset({"a1", "a3"})), OTHER) == [("ce.9990001x", "")]
    assert tables.of("ce.9990001x") == writers("a1", "a3")
    assert (tables.seen("a2"), tables.seen("a3")) == ([listed("dsi")], [listed("ce.9990001x")])
    assert tables.wrote.index("rights") < tables.wrote.index("settings"), "SOGo drops a subscription without a right"


@pytest.mark.parametrize("others", [["ce.9990001x"], []], ids=["switched off", "the box is gone"])
def test_without_the_agenda_nobody_has_it_and_the_events_wait(tables: Shared, others: list[str]) -> None:
    tables.place(HEAD)
    assert tables.place(others=others) == [("ce.9990001x", "")]
    assert (tables.seen("a1"), tables.offered) == ([], {})
    assert "ce.9990001x" in tables.folders
    assert tables.of("ce.9990001x") == (CLOSED if others else writers("a1", "a2"))
    assert tables.place(others=others) == []
    assert tables.place(HEAD) == [("ce.9990001x", "")]
    assert (tables.seen("a1"), tables.of("ce.9990001x")) == ([listed("ce.9990001x")], writers("a1", "a2"))


def test_rights_that_a_broken_run_left_go_where_the_box_has_no_agenda_any_more(tables: Shared) -> None:
    tables.fails = "WITH told"
    assert [bool(fault) for _uid, fault in tables.place(HEAD)] == [True, False], "its rights changed, its list did not"
    assert (tables.of("ce.9990001x"), tables.offered) == (writers("a1", "a2"), {})
    tables.fails = ""
    assert tables.place(others=["ce.9990001x"]) == [("ce.9990001x", "")]
    assert tables.of("ce.9990001x") == CLOSED


def test_a_box_that_fails_stops_no_other(tables: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = boxes.Offers.keep

    def one_fails(self: boxes.Offers, what: boxes.Listed, *more: Any) -> bool:
        if what.ident == "ce.9990001x":
            raise ValueError("settings that nobody expected")
        return keep(self, what, *more)

    monkeypatch.setattr(boxes.Offers, "keep", one_fails)
    told = tables.place(HEAD, OTHER)
    (fault,) = [fault for uid, fault in told if fault]
    assert fault.startswith("ValueError: settings that nobody expected (test_boxes.py:")
    assert (tables.seen("a1"), tables.seen("a2")) == ([], [listed("dsi")])


def test_who_ended_the_subscription_is_not_asked_twice_and_keeps_the_right(tables: Shared) -> None:
    tables.place(HEAD)
    tables.settings["a1"] = '{"Calendar":{"SubscribedFolders":[]}}'
    assert tables.place(HEAD, now=NOW + SETTLED) == []
    assert tables.seen("a1") == []
    assert tables.of("ce.9990001x") == writers("a1", "a2")


def test_an_agenda_that_sogo_does_not_make_is_told_and_the_others_are_done(tables: Shared) -> None:
    tables.place(OTHER)
    tables.deaf = True
    assert tables.place(HEAD, Box("dsi", frozenset({"a3"}))) == [
        ("ce.9990001x", "SOGo made no agenda of it"),
        ("dsi", ""),
    ]
    assert tables.of("dsi") == writers("a3")


def test_one_that_sogo_does_not_know_is_told_and_the_others_are_made(
    tables: Shared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tables.put

    def put(uid: str, content: bytes) -> None:
        if uid == HEAD.uid:
            raise MallepostError("SOGo does not know the account")
        whole(uid, content)

    monkeypatch.setattr(tables, "put", put)
    assert tables.place(HEAD, OTHER) == [("ce.9990001x", "SOGo made no agenda of it"), ("dsi", "")]
    assert tables.of("dsi") == writers("a2")
    assert capsys.readouterr().err == "<4>ce.9990001x: SOGo does not know the account\n"
    monkeypatch.undo()
    assert tables.place(HEAD, OTHER) == [("ce.9990001x", "")]


def test_many_new_ones_come_in_several_runs(tables: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed, "AT_ONCE", 2)
    many = [Box(f"ce.{number}", frozenset({"a1"})) for number in range(5)]
    counts = [len(tables.place(*many)) for _run in range(4)]
    assert counts == [2, 2, 1, 0]
    assert len(tables.seen("a1")) == 5
