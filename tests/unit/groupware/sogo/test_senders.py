"""Functional boxes among SOGo's senders: identities that are kept, added and removed."""

from pathlib import Path
from typing import Any

import pytest
from malleposte.adapters.sogo import profiles
from malleposte.directory.query import Query, Values
from malleposte.groupware.sogo import senders
from malleposte.groupware.sogo.reading import Reading

BOXES = frozenset({"ce@x.test", "vs@x.test"})
MINE = {"email": "zoe.loeuf@x.test", "fullName": "Zoé Lœuf", "isDefault": 1}
CE, VS = ({"email": f"{name}@x.test", "fullName": name} for name in ("ce", "vs"))
SIGNED = {**CE, "signature": "<p>Le collège</p>"}


def agent(*boxes: str, name: str = "Zoé Lœuf", mail: str = "zoe.loeuf@x.test") -> Any:
    addresses = frozenset({mail, "zoe.loeuf@x.test"})
    return senders.Agent(name, mail, addresses, {f"{box}@x.test": box for box in boxes})


@pytest.mark.parametrize(
    ("before", "boxes", "after"),
    [
        ([], ("ce", "vs"), [MINE, CE, VS]),
        ([MINE, CE, VS], ("ce", "vs"), [MINE, CE, VS]),
        ([MINE, SIGNED], ("ce",), [MINE, SIGNED]),
        ([MINE, SIGNED, VS], ("vs",), [MINE, VS]),
        ([{**MINE, "signature": "Z."}, CE], (), [{**MINE, "signature": "Z."}]),
        ([MINE, CE], (), []),
        ([MINE], (), [MINE]),
        ([], (), []),
        ([{"email": "CE@X.test", "fullName": "Ce"}], ("ce",), [MINE, {"email": "CE@X.test", "fullName": "Ce"}]),
    ],
)
def test_the_agent_s_own_first_and_as_it_was_then_the_boxes(before: Any, boxes: Any, after: Any) -> None:
    assert senders.renewed(before, agent(*boxes), BOXES) == after


def test_who_is_no_delegate_any_more_keeps_what_is_no_box() -> None:
    assert senders.renewed([{**MINE, "signature": "Z."}, CE], None, BOXES) == [{**MINE, "signature": "Z."}]


def test_a_change_of_name_is_followed_and_an_alias_that_was_chosen_stays() -> None:
    renamed = agent("ce", name="Zoé Petit", mail="zoe.petit@x.test")
    now = {**MINE, "email": "zoe.petit@x.test", "fullName": "Zoé Petit"}
    assert senders.renewed([MINE, CE], renamed, BOXES) == [now, CE]
    alias = {**MINE, "fullName": "Zoé Petit"}
    assert senders.renewed([alias, CE], renamed, BOXES) == [alias, CE]


def test_the_senders_of_the_directory() -> None:
    boxes = {"ce": {"mail": ["Ce@x.test"], "cn": ["ce"]}, "vs": {"mail": ["vs@x.test"]}, "sans": {}}
    people = {
        "zloeuf": {
            "cn": ["Zoé Lœuf"], "mail": ["zoe.loeuf@x.test"], "mailLocalAddress": ["zoe.loeuf@x.test", "ZL@x.test"],
            "mpOpens": ["vs", "ce", "gone", "sans"],
        },
        "sans": {"mpOpens": ["ce"]},
    }  # fmt: skip
    assert senders.agents(boxes, people) == {
        "zloeuf": senders.Agent(
            "Zoé Lœuf",
            "zoe.loeuf@x.test",
            frozenset({"zoe.loeuf@x.test", "zl@x.test"}),
            {"ce@x.test": "ce", "vs@x.test": "vs"},
        )
    }


TEMPLATE = "{name}\n{function}, {school}\n{mail}"
ZOE = {
    "uid": ["zloeuf"], "cn": ["Zoé <Lœuf>"], "mail": ["zoe.loeuf@x.test"], "mpFunction": ["CPE"],
    "mpEstablishment": ["0750001A"],
}  # fmt: skip


def test_who_has_no_signature_gets_the_academy_s_and_others_keep_theirs() -> None:
    text = "Zoé <Lœuf>\nCPE"
    words = "Zoé &lt;Lœuf&gt;<br>CPE"
    assert senders.signed([], agent(), text) == [{**MINE, "signature": words}]
    assert senders.signed([MINE, CE], agent("ce"), text) == [{**MINE, "signature": words}, CE]
    assert senders.signed([CE], agent("ce"), text) == [{**MINE, "signature": words}, CE]
    own: list[Any] = [{**MINE, "signature": "Z."}, CE]
    assert senders.signed(own, agent("ce"), text) == own
    assert senders.signed([MINE], agent(), "") == [MINE]


def test_a_signature_has_the_school_s_name_and_no_line_of_nothing() -> None:
    asked: list[str] = []

    def search(query: Any, _attributes: Any) -> list[dict[str, list[str]]]:
        asked.append(query.render())
        return [{"mpEstablishment": ["0750001A"], "o": ["Collège Berthe"]}]

    nobody = {"uid": ["sans"], "cn": ["Sans"], "mail": ["sans@x.test"]}
    assert senders.signatures(TEMPLATE, [ZOE, nobody], search) == {
        "zloeuf": "Zoé <Lœuf>\nCPE, Collège Berthe\nzoe.loeuf@x.test",
        "sans": "Sans\nsans@x.test",
    }
    assert asked == ["(&(objectClass=mpSchool)(|(mpEstablishment=0750001A)))"]


def signed(monkeypatch: pytest.MonkeyPatch, users: list[str], kept: dict[str, Any]) -> None:
    monkeypatch.setattr(profiles, "users", lambda _sql: users)
    monkeypatch.setattr(profiles, "identities", lambda _sql, uids: {uid: kept.get(uid, []) for uid in uids})


def test_each_agent_is_signed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept: dict[str, Any] = {}
    signed(monkeypatch, ["zloeuf", "x'y", "parti"], kept)
    conditions: list[str] = []

    def people(condition: Query) -> dict[str, Values]:
        conditions.append(condition.render())
        return {"zloeuf": ZOE}

    def sign(memory: str, refusal: str = "") -> list[tuple[str, str]]:
        def store(uid: str, now: Any) -> str:
            kept.update({} if refusal else {uid: now})
            return refusal

        return list(senders.sign("{name}", str, tmp_path / memory, people, lambda *_words: [], store))

    assert sign("signed.json") == sign("signed.json") == []
    assert conditions == ["(|(uid=parti)(uid=zloeuf))"]
    assert [one["signature"] for one in kept["zloeuf"]] == ["Zoé &lt;Lœuf&gt;"]
    # An agent who empties it is not signed again. One whom SOGo refused is tried again.
    kept["zloeuf"] = []
    assert sign("signed.json") == []
    assert kept["zloeuf"] == []
    assert sign("other.json", "no such user") == [("zloeuf", "no such user")]
    assert "zloeuf" not in (tmp_path / "other.json").read_text("utf-8")


def test_an_agent_who_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[str] = []

    def sign_one(_before: Any, one: Any, _text: str) -> list[Any]:
        if one.name == "anne":
            raise AttributeError("preferences that nobody expected")
        return [CE]

    def store(uid: str, _now: Any) -> str:
        given.append(uid)
        return "" if uid == "zoe" else "refused"

    people: dict[str, Values] = {
        uid: {"uid": [uid], "cn": [uid], "mail": [f"{uid}@x.test"]} for uid in ("anne", "berthe", "zoe")
    }
    memory = tmp_path / "signed.json"
    memory.write_text("")
    signed(monkeypatch, [*people], {})
    monkeypatch.setattr(senders, "signed", sign_one)
    anne, berthe = senders.sign("{name}", str, memory, lambda _condition: people, lambda *_: [], store)
    assert given == ["berthe", "zoe"] and memory.read_text() == '["zoe"]'
    assert anne[1].startswith("AttributeError: preferences that nobody expected (")
    assert berthe == ("berthe", "refused")
    assert "signed.json cannot be read" in capsys.readouterr().err


def test_a_delegation_that_ends_is_followed_and_a_refusal_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    signed(monkeypatch, [], kept)
    opens = ["zloeuf", "paul"]
    asked: list[str] = []

    def search(query: Query, _attributes: Any) -> list[Values]:
        asked.append(query.render())
        if "mpFunctionalBox" in asked[-1]:
            return [{"uid": ["ce"], "cn": ["ce"], "mail": ["ce@x.test"]}]
        return [{"uid": [uid], "cn": [uid], "mail": [f"{uid}@x.test"], "mpOpens": ["ce"]} for uid in opens]

    def store(uid: str, now: Any) -> str:
        if uid == "paul":
            return "refused"
        kept[uid] = now
        return ""

    def place() -> list[tuple[str, str]]:
        return list(senders.place(Reading("dc=test", search, ("a",)), ["active"], "", str, tmp_path, store))

    assert place() == [("paul", "refused")]
    assert [one["email"] for one in kept["zloeuf"]] == ["zloeuf@x.test", "ce@x.test"]
    assert "(&(objectClass=mpAgent)(|(mpProfile=a))(|(mpState=active))(mpOpens=*))" in asked
    opens.clear()
    assert place() == [] == kept["zloeuf"]
