"""The times at which agents are busy: what is asked of which store, and who is unknown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.agendas import Stores
from malleposte.accounts.agendas.radicale import Radicale
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.accounts.meetings import times
from malleposte.accounts.meetings.model import Appointment, Asked, Times
from malleposte.core.errors import MallepostError

from tests.support.classes import CLASSES

SPAN = ("20260615T000000Z", "20260616T000000Z")
FULL, LIGHT = (next(name for name, one in CLASSES.items() if store in one.stores) for store in ("sogo", "radicale"))


class Sogo:
    """SOGo's database: rows of events, and settings by uid."""

    def __init__(self, *rows: dict[str, Any], **settings: str) -> None:
        self.rows, self.settings, self.asked = rows, settings, list[str]()

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        if "sogo_quick_appointment" in text:
            return "\n".join(map(json.dumps, self.rows))
        return "\n".join(json.dumps({"uid": uid, "text": one, "there": True}) for uid, one in self.settings.items())


class Program:
    """radicale-busy: everybody is busy at one moment."""

    def __init__(self, unknown: Iterable[str] = ()) -> None:
        self.people, self.unknown = dict[str, Any](), set(unknown)

    def __call__(self, raw: bytes) -> bytes:
        question = json.loads(raw)
        assert (question["from"], question["until"]) == SPAN and len(question["people"]) <= times.TOGETHER
        self.people |= {one["uid"]: one for one in question["people"]}
        return json.dumps(
            {one["uid"]: None if one["uid"] in self.unknown else [SPAN] for one in question["people"]}
        ).encode()


def row(uid: str, text: str | None, roles: list[str] | None = None, folder: str = "personal") -> dict[str, Any]:
    return {"uid": uid, "folder": folder, "roles": roles, "text": text}


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Both."""
    return Stores([SogoStore("sogo", lambda _database, _text: ""), Radicale(tmp_path)], CLASSES)


def read(stores: Stores, sogo: Sogo, program: Program, **people: str) -> dict[str, Times]:
    asked = [Asked(uid, profile, (f"{uid}@ac-exemple.test",)) for uid, profile in people.items()]
    return {one.uid: one for one in times.read(stores, asked, SPAN, sogo, program)}


def test_both_classes_are_read_by_the_program_that_has_no_rights(stores: Stores) -> None:
    program, sogo = Program(), Sogo(row("anne", "BEGIN:VCALENDAR"), row("anne", "X", folder="cours"))
    found = read(stores, sogo, program, anne=FULL, benoit=LIGHT)
    assert found == {uid: Times(uid, (SPAN,)) for uid in ("anne", "benoit")}
    assert program.people["anne"] == {
        "uid": "anne", "mails": ["anne@ac-exemple.test"], "texts": ["BEGIN:VCALENDAR", "X"],
    }  # fmt: skip
    assert program.people["benoit"]["texts"] is None
    assert "benoit" not in "".join(sogo.asked)


def test_who_closed_the_busy_hours_is_unknown_and_not_read(stores: Stores) -> None:
    every = ["PublicDAndTViewer", "ConfidentialViewer", "PrivateDAndTViewer"]
    program = Program()
    sogo = Sogo(
        row("anne", "X", ["None"]), row("benoit", "X", ["PublicDAndTViewer"]), row("chloe", "X", every),
        row("denis", "open"), row("denis", "closed", ["None"], "prive"), row("denis", "out", folder="perso"),
        row("elise", "X", folder="cours"), row("fanny", None),
        denis=json.dumps({"Calendar": {"FreeBusyExclusions": {"denis:Calendar/perso": 1, "denis:Calendar/x": 0}}}),
        fanny="no JSON",
    )  # fmt: skip
    found = read(stores, sogo, program, **dict.fromkeys("anne benoit chloe denis elise fanny gilles".split(), FULL))
    assert {uid for uid, one in found.items() if one.known} == {"chloe", "denis", "fanny"}
    assert {uid: one["texts"] for uid, one in program.people.items()} == {
        "chloe": ["X"], "denis": ["open"], "fanny": [],
    }  # fmt: skip


def test_who_keeps_nothing_or_has_no_agenda_is_unknown(stores: Stores) -> None:
    found = read(stores, Sogo(), Program(unknown=["anne"]), anne=LIGHT, benoit=LIGHT, chloe="inconnue")
    assert [uid for uid, one in found.items() if one.known] == ["benoit"]


def test_many_people_are_asked_some_at_a_time(stores: Stores) -> None:
    program, people = Program(), {f"a{number}": LIGHT for number in range(50)}
    assert all(one.known for one in read(stores, Sogo(), program, **people).values())
    assert len(program.people) == 50


def test_a_program_that_does_not_answer_is_said(stores: Stores) -> None:
    def deaf(_raw: bytes) -> bytes:
        raise ConnectionRefusedError("no one there")

    with pytest.raises(MallepostError, match="busy times are not told"):
        times.read(stores, [Asked("anne", LIGHT)], SPAN, Sogo(), deaf)


def test_the_own_agenda_is_read_whatever_it_shows_to_colleagues(stores: Stores) -> None:
    asked: list[Any] = []

    def program(raw: bytes) -> bytes:
        asked.append(json.loads(raw))
        return b'[{"begin": "20260615", "end": "20260615", "title": "Stage", "place": "", "links": []}]'

    sogo = Sogo(row("anne", "X", ["None"]), anne=json.dumps({"Calendar": {"FreeBusyExclusions": {"a:b/personal": 1}}}))
    one = Asked("anne", FULL, ("anne@ac-exemple.test",))
    assert times.own(stores, one, SPAN, sogo, program) == [Appointment("20260615", "20260615", "Stage")]
    assert asked[0]["people"] == [{"uid": "anne", "mails": ["anne@ac-exemple.test"], "texts": ["X"]}]
    assert times.own(stores, Asked("anne", LIGHT), SPAN, sogo, program) and asked[1]["people"][0]["texts"] is None
    assert times.own(stores, Asked("anne", "inconnue"), SPAN, sogo, program) == []
    assert times.own(stores, one, SPAN, Sogo(), lambda _raw: b"null") is None
    for wrong in (b"{}", b"", b'[{"begin": 1}]'):
        with pytest.raises(MallepostError, match="the agenda is not told"):
            times.own(stores, one, SPAN, sogo, lambda _raw, said=wrong: said)  # type: ignore[misc]
