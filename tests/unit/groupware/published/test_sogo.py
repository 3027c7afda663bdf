"""SOGo follows what is published: events, rights, subscriptions; agents keep what they chose."""

import hashlib
import json
import plistlib
import re
from collections.abc import Iterable
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

NOW = 1_800_000_000.0
LATER = NOW + SETTLED
SCHOOL = Shown("ecole", "École", "#18753c", "d1", ("a1", "a2", "light"))
ALL = Shown("tous", "Tous", "#000091", "d2")
AGENTS = frozenset({"a1", "a2", "a3"})
EVENT = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{}\nSUMMARY:{}\nEND:VEVENT\nEND:VCALENDAR\n"
ITEMS = {"1.ics": EVENT.format("1", "un"), "2.ics": EVENT.format("2", "deux")}


def reference(ident: str) -> str:
    return f"{PUBLISHER}:Calendar/{ident}"


def matched(expression: str, text: str) -> re.Match[str]:
    found = re.search(expression, text)
    assert found, text
    return found


def told(text: str, before: str) -> Any:
    """The JSON that stands in a statement after a word."""
    found = matched(re.escape(before) + r"\('((?:[^']|'')*)'\)", text)
    return json.loads(found[1].replace("''", "'"))


class Tables:
    """SOGo's tables, as far as the job's statements go; what was written, what memcached was told."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, Any]] = {}
        self.events: dict[tuple[str, str], str] = {}
        self.rights: dict[int, dict[str, str]] = {}
        self.settings: dict[str, str] = {}
        self.offered: dict[tuple[str, str], dict[str, Any]] = {}
        self.wrote: list[str] = []
        self.forgot: list[str] = []
        self.fails, self.last = "", 0
        self.meanwhile: dict[str, str] = {}

    def engine(self) -> Engine:
        return Engine(self.sql, self.forget, self.put)

    def forget(self, keys: Iterable[str]) -> None:
        self.forgot += keys

    def put(self, uid: str, content: bytes) -> None:
        assert uid == PUBLISHER
        self._write("put")
        for path, table in plistlib.loads(content)["tables"].items():
            ident = path.rpartition("/")[2]
            self.last += 1
            assert ident not in self.folders, "the tool takes the rights on it away"
            self.folders[ident] = {"ident": ident, "id": self.last, "title": table["displayname"]}
            self.rights[self.last] = {uid: role for uid, (role,) in table["acl"].items()}
            assert self.rights[self.last] == {ANYBODY: NOTHING}, "anybody may look"
            self.events |= {(ident, one["c_name"]): one["c_content"] for one in table["records"]}

    def _write(self, what: str) -> None:
        if self.fails == what:
            raise MallepostError("cut off")
        self.wrote.append(what)

    def sql(self, text: str) -> str:
        if "UPDATE sogo_quick_appointment SET c_folder_id" in text:
            self._move(text)
            return ""
        for mark, act in {
            "CREATE TABLE": self._make, "LEFT JOIN sogo_store": self._items, "c_uid AS uid, c_role": self._rights,
            "c_foldername AS title FROM": self._folders, "colour, since FROM malleposte": self._offered,
            "LEFT JOIN sogo_user_profile": self._read, "SET c_foldername": self._title, "c_deleted = 1": self._remove,
            "INSERT INTO sogo_acl": self._grant, "WITH told": self._tell, "DELETE FROM sogo_folder_info": self._drop,
        }.items():  # fmt: skip
            if mark in text:
                return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in act(text) or ())
        raise AssertionError(text)

    def _make(self, _text: str) -> None:
        pass

    def _items(self, _text: str) -> list[Any]:
        none: list[tuple[str | None, str]] = [(None, "")]
        return [
            {"module": "Calendar", "folder": ident, "title": one["title"], "name": name, "text": content, "changed": 1}
            for ident, one in self.folders.items()
            for name, content in [(n, t) for (i, n), t in self.events.items() if i == ident] or none
        ]

    def _folders(self, _text: str) -> list[Any]:
        return [{**one, "owner": PUBLISHER, "name": ident, "module": "Calendar"} for ident, one in self.folders.items()]

    def _number(self, text: str) -> int:
        return int(re.findall(r"c_folder_id = (\d+)", text)[-1])

    def _rights(self, text: str) -> list[Any]:
        return [
            {"id": number, "uid": uid, "role": role}
            for number in told(text, "json_array_elements_text")
            for uid, role in self.rights.get(number, {}).items()
        ]

    def _offered(self, _text: str) -> list[Any]:
        return [{"ident": ident, "uid": uid, **row} for (ident, uid), row in self.offered.items()]

    def _read(self, text: str) -> list[Any]:
        uids = told(text, "json_array_elements_text")
        found = [{"uid": uid, "text": self.settings.get(uid), "there": uid in self.settings} for uid in uids]
        self.settings |= self.meanwhile
        self.meanwhile = {}
        return found

    def _title(self, text: str) -> None:
        self._write("title")
        folder = next(one for one in self.folders.values() if one["id"] == self._number(text))
        folder["title"] = matched("= '(.*?)' W", text)[1].replace("''", "'")

    def _remove(self, text: str) -> None:
        self._write("remove")
        for one in told(text, "json_to_recordset"):
            assert one["digest"] == hashlib.sha256(self.events.pop((one["folder"], one["name"])).encode()).hexdigest()

    def _grant(self, text: str) -> None:
        self._write("grant")
        held = self.rights.setdefault(self._number(text), {})
        for uid in told(text, "json_array_elements_text"):
            del held[uid]
        for one in told(text, "json_to_recordset"):
            assert one["uid"] not in held
            held[one["uid"]] = one["role"]

    def _tell(self, text: str) -> list[str]:
        self._write("tell")
        done = []
        for one in told(text, "json_to_recordset"):
            held = self.settings.get(one["uid"])
            digest = None if held is None else hashlib.sha256(held.encode()).hexdigest()
            if one["after"] is None or digest == one["before"]:
                done.append(one["uid"])
                if one["after"] is not None:
                    self.settings[one["uid"]] = one["after"]
        if "DELETE FROM malleposte_calendars" in text:
            ident = matched("m.ident = '(.*?)'", text)[1]
            for uid in done:
                self.offered.pop((ident, uid), None)
        else:
            ident, colour, since = matched(r"SELECT '(.*?)', c_uid, '(.*?)', (\d+)", text).groups()
            for uid in done:
                self.offered.setdefault((ident, uid), {"since": int(since)})["colour"] = colour
        return done

    def _move(self, text: str) -> None:
        self._write("move")
        found = matched(r"SET c_folder_id = (\d+) WHERE c_folder_id = (\d+)", text)
        live, stage = (next(i for i, one in self.folders.items() if one["id"] == int(found[n])) for n in (1, 2))
        for ident, name in [key for key in self.events if key[0] == stage]:
            self.events[live, name] = self.events.pop((ident, name))

    def _drop(self, text: str) -> None:
        self._write("drop")
        number = self._number(text)
        ident = next(one["ident"] for one in self.folders.values() if one["id"] == number)
        del self.folders[ident]
        self.rights.pop(number, None)
        self.events = {key: text for key, text in self.events.items() if key[0] != ident}

    def of(self, uid: str) -> Any:
        return json.loads(self.settings.get(uid, "{}")).get("Calendar", {})

    def seen(self, uid: str) -> list[str]:
        return list(self.of(uid).get("SubscribedFolders", []))


@pytest.fixture
def tables() -> Tables:
    return Tables()


def place(tables: Tables, *shown: Shown, items: dict[str, str] = ITEMS, now: float = NOW) -> int:
    tables.wrote.clear()
    tables.forgot.clear()
    return tables.engine().place(shown, lambda _ident: items, AGENTS, now)


def test_the_agents_of_a_rule_who_have_sogo_see_it_and_nobody_else(tables: Tables) -> None:
    tables.settings = {"a1": '{"Mail":{"x":1}}', "a3": "{}"}
    assert place(tables, SCHOOL, ALL) == 2
    assert {ident: tables.rights[one["id"]] for ident, one in tables.folders.items()} == {
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
def test_nothing_is_written_when_nothing_changed(tables: Tables, now: float) -> None:
    place(tables, SCHOOL, ALL)
    assert place(tables, SCHOOL, ALL, now=now) == 0
    assert tables.wrote == tables.forgot == []


def test_only_the_events_that_changed_are_written(tables: Tables) -> None:
    place(tables, SCHOOL)
    changed = {"1.ics": ITEMS["1.ics"], "2.ics": EVENT.format("2", "autre"), "3.ics": EVENT.format("3", "trois")}
    assert place(tables, SCHOOL, items=changed) == 1
    assert tables.wrote == ["put", "move", "drop"]
    assert {name: text for (_ident, name), text in tables.events.items()} == changed
    assert place(tables, SCHOOL, items={"1.ics": ITEMS["1.ics"]}) == 1
    assert list(tables.events) == [("ecole", "1.ics")]


@pytest.mark.parametrize("step", ["put", "grant", "move", "drop", "tell"])
def test_interrupted_and_run_again_it_ends_in_the_same_place(tables: Tables, step: str) -> None:
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
    if step not in ("put", "move"):
        with pytest.raises(MallepostError):
            place(tables)
        tables.fails = ""
    place(tables)
    assert (tables.seen("a1"), tables.folders, tables.events, tables.offered) == ([], {}, {}, {})


def test_who_leaves_the_rule_or_sogo_loses_it(tables: Tables) -> None:
    place(tables, SCHOOL, ALL)
    assert place(tables, replace(SCHOOL, members=("a2", "a3")), ALL) == 1
    assert tables.rights[1] == {"<default>": "None", "a2": "PublicViewer", "a3": "PublicViewer"}
    assert (tables.seen("a1"), tables.seen("a3")) == ([reference("tous")], [reference("tous"), reference("ecole")])
    assert "a1+settings" in tables.forgot
    assert tables.engine().place([ALL], lambda _ident: ITEMS, AGENTS - {"a3"}, NOW) == 2
    assert tables.seen("a3") == []


def test_who_ended_the_subscription_is_not_asked_twice(tables: Tables) -> None:
    place(tables, SCHOOL)
    gone = '{"Calendar":{"SubscribedFolders":[]}}'
    tables.settings["a1"] = gone
    assert place(tables, SCHOOL, now=LATER) == 0
    assert tables.settings["a1"] == gone
    assert place(tables, SCHOOL, now=LATER - 1) == 1, "SOGo has just written what it held"
    assert tables.seen("a1") == [reference("ecole")]


def test_who_hid_it_or_chose_a_colour_keeps_that(tables: Tables) -> None:
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


def test_what_sogo_writes_meanwhile_is_not_lost(tables: Tables) -> None:
    tables.meanwhile = {"a1": '{"Mail":{"y":2}}', "a2": "{}"}
    place(tables, SCHOOL)
    assert json.loads(tables.settings["a1"])["Mail"] == {"y": 2}
    assert (tables.seen("a1"), tables.seen("a2")) == ([reference("ecole")], [reference("ecole")])


def test_settings_that_nobody_understands_stop_nothing(tables: Tables) -> None:
    tables.settings = {"a1": "{cassé"}
    place(tables, SCHOOL)
    assert tables.settings["a1"] == "{cassé"
    assert tables.seen("a2") == [reference("ecole")]


def test_the_owner_is_no_agent_s_name() -> None:
    assert names.reserved(PUBLISHER)
