"""SOGo follows what is published: events, rights, subscriptions; agents keep what they chose."""

import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from malleposte.accounts import names
from malleposte.accounts.agendas.sogo import PUBLISHER
from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError
from malleposte.groupware.published.model import Shown
from malleposte.groupware.published.sogo import Engine
from malleposte.groupware.sogo.offers import SETTLED

from tests.support.sogo_tables import Tables, lists, number

NOW = 1_800_000_000.0
LATER = NOW + SETTLED
SCHOOL = Shown("ecole", "École", "#18753c", "d1", ("a1", "a2", "light"))
ALL = Shown("tous", "Tous", "#000091", "d2")
AGENTS = frozenset({"a1", "a2", "a3"})
EVENT = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{}\nSUMMARY:{}\nEND:VEVENT\nEND:VCALENDAR\n"
NO_EVENT: list[tuple[Any, str]] = [(None, "")]
ITEMS = {"1.ics": EVENT.format("1", "un"), "2.ics": EVENT.format("2", "deux")}


def reference(ident: str) -> str:
    return f"{PUBLISHER}:Calendar/{ident}"


class Calendars(Tables):
    """The published calendars; `meanwhile` is what SOGo writes once settings were read."""

    def __init__(self) -> None:
        super().__init__("malleposte_calendars")
        self.folders: dict[str, dict[str, Any]] = {}
        self.events: dict[tuple[str, str], str] = {}
        self.meanwhile: dict[str, str] = {}
        self.last = 0
        read = self.marks["LEFT JOIN sogo_user_profile"]
        self.marks |= {
            "LEFT JOIN sogo_user_profile": lambda text: self._then(list(read(text) or ())),
            "UPDATE sogo_quick_appointment SET c_folder_id": self._move,
            "LEFT JOIN sogo_store": lambda _text: (
                {"module": "Calendar", "folder": ident, "title": one["title"], "name": name, "text": text, "changed": 1}
                for ident, one in self.folders.items()
                for name, text in [(n, t) for (i, n), t in self.events.items() if i == ident] or NO_EVENT
            ),
            "c_foldername AS title FROM": lambda _text: (
                {**one, "owner": PUBLISHER, "name": ident, "module": "Calendar"} for ident, one in self.folders.items()
            ),
            "SET c_foldername": self._title,
            "c_deleted = 1": self._remove,
            "DELETE FROM sogo_folder_info": self._drop,
        }  # fmt: skip

    def engine(self) -> Engine:
        return Engine(self.sql, self.forget, self.put)

    def made(self, uid: str, path: str, table: dict[str, Any]) -> int:
        ident = path.rpartition("/")[2]
        assert uid == PUBLISHER and ident not in self.folders, "the tool takes the rights on it away"
        assert table["acl"] == {ANYBODY: [NOTHING]}, "anybody may look"
        self.last += 1
        self.folders[ident] = {"ident": ident, "id": self.last, "title": table["displayname"]}
        self.events |= {(ident, one["c_name"]): one["c_content"] for one in table["records"]}
        return self.last

    def _then(self, found: list[Any]) -> list[Any]:
        self.settings |= self.meanwhile
        self.meanwhile = {}
        return found

    def _ident(self, number: int) -> str:
        return next(ident for ident, one in self.folders.items() if one["id"] == number)

    def _title(self, text: str) -> None:
        self.folders[self._ident(number(text))]["title"] = re.findall("= '(.*?)' W", text)[0].replace("''", "'")

    def _remove(self, text: str) -> None:
        for one in lists(text)[0]:
            assert one["digest"] == hashlib.sha256(self.events.pop((one["folder"], one["name"])).encode()).hexdigest()

    def _move(self, text: str) -> None:
        self.wrote.append("move")
        (moved, *_again) = re.findall(r"SET c_folder_id = (\d+) WHERE c_folder_id = (\d+)", text)
        live, stage = (self._ident(int(one)) for one in moved)
        for ident, name in [key for key in self.events if key[0] == stage]:
            self.events[live, name] = self.events.pop((ident, name))

    def _drop(self, text: str) -> None:
        self.wrote.append("drop")
        ident = self._ident(number(text))
        del self.rights[self.folders.pop(ident)["id"]]
        self.events = {key: text for key, text in self.events.items() if key[0] != ident}

    def of(self, uid: str) -> Any:
        return json.loads(self.settings.get(uid, "{}")).get("Calendar", {})


@pytest.fixture
def tables() -> Calendars:
    return Calendars()


def place(tables: Calendars, *shown: Shown, items: dict[str, str] = ITEMS, now: float = NOW) -> int:
    tables.wrote.clear()
    tables.forgot.clear()
    return tables.engine().place(shown, lambda _ident: items, AGENTS, now)


def test_the_agents_of_a_rule_who_have_sogo_see_it_and_nobody_else(tables: Calendars) -> None:
    tables.settings = {"a1": '{"Mail":{"x":1}}', "a3": "{}"}
    assert place(tables, SCHOOL, ALL) == 2
    assert {ident: dict(tables.rights[one["id"]]) for ident, one in tables.folders.items()} == {
        "ecole": {"<default>": "None", "a1": "PublicViewer", "a2": "PublicViewer"},
        "tous": {"<default>": "PublicViewer"},
    }
    assert {uid: tables.seen(uid) for uid in ("a1", "a2", "a3", "light")} == {
        "a1": [reference("ecole"), reference("tous")], "a2": [reference("ecole"), reference("tous")],
        "a3": [reference("tous")], "light": [],
    }  # fmt: skip
    assert json.loads(tables.settings["a1"])["Mail"] == {"x": 1}
    assert tables.of("a1")["FolderColors"] == {reference("ecole"): "#18753c", reference("tous"): "#000091"}
    assert set(tables.forgot) == {
        "malleposte-calendars/Calendar/ecole+acl", "malleposte-calendars/Calendar/tous+acl",
        *(f"{uid}+settings" for uid in AGENTS),
    }  # fmt: skip
    assert tables.events["ecole", "2.ics"] == ITEMS["2.ics"]


@pytest.mark.parametrize("now", [NOW, LATER])
def test_nothing_is_written_when_nothing_changed(tables: Calendars, now: float) -> None:
    place(tables, SCHOOL, ALL)
    assert place(tables, SCHOOL, ALL, now=now) == 0
    assert tables.wrote == tables.forgot == []


def test_only_the_events_that_changed_are_written(tables: Calendars) -> None:
    place(tables, SCHOOL)
    changed = {"1.ics": ITEMS["1.ics"], "2.ics": EVENT.format("2", "autre"), "3.ics": EVENT.format("3", "trois")}
    assert place(tables, SCHOOL, items=changed) == 1
    assert tables.wrote == ["put", "move", "drop"]
    assert {name: text for (_ident, name), text in tables.events.items()} == changed
    assert place(tables, SCHOOL, items={"1.ics": ITEMS["1.ics"]}) == 1
    assert list(tables.events) == [("ecole", "1.ics")]


@pytest.mark.parametrize(
    "step",
    ["put", "INSERT INTO sogo_acl", "UPDATE sogo_quick_appointment", "DELETE FROM sogo_folder_info", "WITH told"],
)
def test_interrupted_and_run_again_it_ends_in_the_same_place(tables: Calendars, step: str) -> None:
    tables.fails = step
    with pytest.raises(MallepostError):
        place(tables, SCHOOL)
    assert tables.seen("a1") == []
    tables.fails = ""
    assert place(tables, SCHOOL) == 1
    assert list(tables.folders) == ["ecole"]
    assert tables.seen("a1") == [reference("ecole")]
    assert len(tables.events) == 2
    tables.fails = step
    if step not in ("put", "UPDATE sogo_quick_appointment"):
        with pytest.raises(MallepostError):
            place(tables)
        tables.fails = ""
    place(tables)
    assert (tables.seen("a1"), tables.folders, tables.events, tables.offered) == ([], {}, {}, {})


def test_who_leaves_the_rule_or_sogo_loses_it(tables: Calendars) -> None:
    place(tables, SCHOOL, ALL)
    assert place(tables, replace(SCHOOL, members=("a2", "a3")), ALL) == 1
    assert dict(tables.rights[1]) == {"<default>": "None", "a2": "PublicViewer", "a3": "PublicViewer"}
    assert (tables.seen("a1"), tables.seen("a3")) == ([reference("tous")], [reference("tous"), reference("ecole")])
    assert "a1+settings" in tables.forgot
    assert tables.engine().place([ALL], lambda _ident: ITEMS, AGENTS - {"a3"}, NOW) == 2
    assert tables.seen("a3") == []


def test_who_ended_the_subscription_is_not_asked_twice(tables: Calendars) -> None:
    place(tables, SCHOOL)
    gone = '{"Calendar":{"SubscribedFolders":[]}}'
    tables.settings["a1"] = gone
    assert place(tables, SCHOOL, now=LATER) == 0
    assert tables.settings["a1"] == gone
    assert place(tables, SCHOOL, now=LATER - 1) == 1, "SOGo has just written what it held"
    assert tables.seen("a1") == [reference("ecole")]


def test_who_hid_it_or_chose_a_colour_keeps_that(tables: Calendars) -> None:
    place(tables, SCHOOL)
    mine = tables.of("a1") | {"InactiveFolders": ["malleposte-calendars_ecole"]}
    tables.settings["a1"] = json.dumps({"Calendar": mine})
    theirs = tables.of("a2") | {"FolderColors": {reference("ecole"): "#b34000"}}
    tables.settings["a2"] = json.dumps({"Calendar": theirs})
    new = replace(SCHOOL, colour="#6e445a", name="L'école")
    assert place(tables, new, now=LATER) == 1
    assert place(tables, new, now=LATER) == 0
    assert tables.of("a1")["FolderColors"] == {reference("ecole"): "#6e445a"}
    assert tables.of("a1")["InactiveFolders"] == ["malleposte-calendars_ecole"]
    assert tables.of("a2")["FolderColors"] == {reference("ecole"): "#b34000"}
    assert tables.folders["ecole"]["title"] == "L'école"


def test_what_sogo_writes_meanwhile_is_not_lost(tables: Calendars) -> None:
    tables.meanwhile = {"a1": '{"Mail":{"y":2}}', "a2": "{}"}
    place(tables, SCHOOL)
    assert json.loads(tables.settings["a1"])["Mail"] == {"y": 2}
    assert (tables.seen("a1"), tables.seen("a2")) == ([reference("ecole")], [reference("ecole")])


def test_settings_that_nobody_understands_stop_nothing(tables: Calendars) -> None:
    tables.settings = {"a1": "{cassé"}
    place(tables, SCHOOL)
    assert tables.settings["a1"] == "{cassé"
    assert tables.seen("a2") == [reference("ecole")]


def test_the_owner_is_no_agent_s_name() -> None:
    assert names.reserved(PUBLISHER)
