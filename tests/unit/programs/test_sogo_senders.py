"""Functional boxes among SOGo's senders: identities that are kept, added and removed."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.adapters import ldif, postgresql
from malleposte.programs import sogo_senders

BOXES = frozenset({"ce@x.test", "vs@x.test"})
MINE = {"email": "zoe.loeuf@x.test", "fullName": "Zoé Lœuf", "isDefault": 1}
CE, VS = ({"email": f"{name}@x.test", "fullName": name} for name in ("ce", "vs"))
SIGNED = {**CE, "signature": "<p>Le collège</p>"}


def agent(*boxes: str, name: str = "Zoé Lœuf", mail: str = "zoe.loeuf@x.test") -> Any:
    addresses = frozenset({mail, "zoe.loeuf@x.test"})
    return sogo_senders.Agent(name, mail, addresses, {f"{box}@x.test": box for box in boxes})


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
    assert sogo_senders.renewed(before, agent(*boxes), BOXES) == after


def test_who_is_no_delegate_any_more_keeps_what_is_no_box() -> None:
    assert sogo_senders.renewed([{**MINE, "signature": "Z."}, CE], None, BOXES) == [{**MINE, "signature": "Z."}]


def test_a_change_of_name_is_followed_and_an_alias_that_was_chosen_stays() -> None:
    renamed = agent("ce", name="Zoé Petit", mail="zoe.petit@x.test")
    now = {**MINE, "email": "zoe.petit@x.test", "fullName": "Zoé Petit"}
    assert sogo_senders.renewed([MINE, CE], renamed, BOXES) == [now, CE]
    alias = {**MINE, "fullName": "Zoé Petit"}
    assert sogo_senders.renewed([alias, CE], renamed, BOXES) == [alias, CE]


def test_the_directory_is_read_as_it_is_written() -> None:
    text = (
        "dn: uid=zloeuf,ou=people\nuid: zloeuf\ncn:: Wm/DqSBMxZN1Zg==\nmail: zoe.loeuf@x.test\n"
        "mailLocalAddress: zoe.loeuf@x.test\nmailLocalAddress: ZL@x.test\nmpOpens: vs\nmpOpens: ce\nmpOpens: gone\n"
        "\ndn: uid=sans,ou=people\nuid: sans\nmpOpens: ce\n\n"
    )
    boxes = sogo_senders.readable(
        ldif.parse(b"dn: a\nuid: ce\nmail: Ce@x.test\ncn: ce\n\ndn: b\nuid: vs\nmail: vs@x.test\n")
    )
    found = sogo_senders.agents(boxes, sogo_senders.readable(ldif.parse(text.encode())))
    assert found == {
        "zloeuf": sogo_senders.Agent(
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
    assert sogo_senders.signed([], agent(), text) == [{**MINE, "signature": words}]
    assert sogo_senders.signed([MINE, CE], agent("ce"), text) == [{**MINE, "signature": words}, CE]
    assert sogo_senders.signed([CE], agent("ce"), text) == [{**MINE, "signature": words}, CE]
    own: list[Any] = [{**MINE, "signature": "Z."}, CE]
    assert sogo_senders.signed(own, agent("ce"), text) == own
    assert sogo_senders.signed([MINE], agent(), "") == [MINE]


def test_a_signature_has_the_school_s_name_and_no_line_of_nothing() -> None:
    asked: list[str] = []

    def search(query: Any, _attributes: Any) -> list[dict[str, list[str]]]:
        asked.append(query.render())
        return [{"mpEstablishment": ["0750001A"], "o": ["Collège Berthe"]}]

    nobody = {"uid": ["sans"], "cn": ["Sans"], "mail": ["sans@x.test"]}
    assert sogo_senders.signatures(TEMPLATE, [ZOE, nobody], search) == {
        "zloeuf": "Zoé <Lœuf>\nCPE, Collège Berthe\nzoe.loeuf@x.test",
        "sans": "Sans\nsans@x.test",
    }
    assert asked == ["(&(objectClass=mpSchool)(|(mpEstablishment=0750001A)))"]


def test_each_agent_is_signed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(postgresql, "sql", lambda *_words, **_more: '["zloeuf", "x\'y", "parti"]')
    monkeypatch.setattr(sogo_senders, "stored", lambda _database, uids: {uid: kept.get(uid, []) for uid in uids})
    monkeypatch.setattr(sogo_senders, "store", lambda uid, now: kept.update({uid: now}) or "")
    conditions: list[str] = []

    def people(condition: str) -> list[dict[str, list[str]]]:
        conditions.append(condition)
        return [ZOE]

    for _turn in range(2):
        assert sogo_senders.sign("{name}", "db", tmp_path / "signed.json", people, lambda *_words: []) == 0
    assert conditions == ["(|(uid=parti)(uid=zloeuf))"]
    assert [one["signature"] for one in kept["zloeuf"]] == ["Zoé &lt;Lœuf&gt;"]
    # An agent who empties it is not signed again. One whom SOGo refused is tried again.
    kept["zloeuf"] = []
    assert sogo_senders.sign("{name}", "db", tmp_path / "signed.json", people, lambda *_words: []) == 0
    assert kept["zloeuf"] == []
    monkeypatch.setattr(sogo_senders, "store", lambda _uid, _now: "no such user")
    assert sogo_senders.sign("{name}", "db", tmp_path / "other.json", people, lambda *_words: []) == 1
    assert "zloeuf" not in (tmp_path / "other.json").read_text("utf-8")


def test_an_agent_who_fails_stops_no_other(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[str] = []

    def signed(_before: Any, one: Any, _text: str) -> list[Any]:
        if one.name == "anne":
            raise AttributeError("preferences that nobody expected")
        return [CE]

    people = [{"uid": [uid], "cn": [uid], "mail": [f"{uid}@x.test"]} for uid in ("anne", "berthe", "zoe")]
    memory = tmp_path / "signed.json"
    memory.write_text("")
    monkeypatch.setattr(sogo_senders, "signed", signed)
    monkeypatch.setattr(
        sogo_senders, "store", lambda uid, _now: given.append(uid) or ("" if uid == "zoe" else "refused")
    )
    monkeypatch.setattr(sogo_senders, "stored", lambda _database, _uids: {})
    monkeypatch.setattr(postgresql, "sql", lambda *_words, **_more: '["anne", "berthe", "zoe"]')
    assert sogo_senders.sign("{name}", "sogo", memory, lambda _condition: people, lambda *_: []) == 2
    told = capsys.readouterr().err.splitlines()
    assert given == ["berthe", "zoe"] and memory.read_text() == '["zoe"]'
    assert told[1].startswith("<4>anne: AttributeError: preferences that nobody expected (")
    assert told[2:] == ["<4>berthe: refused"] and "signed.json cannot be read" in told[0]
