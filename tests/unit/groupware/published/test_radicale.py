"""Radicale's store follows what is published; what stayed keeps its file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from malleposte.accounts.agendas.radicale import Radicale
from malleposte.core.errors import MallepostError
from malleposte.groupware.published.model import Shown
from malleposte.groupware.published.radicale import place

ONE = Shown("zone-a", "Zone A", "#18753c", "d1", ("a1",))
ALL = Shown("tous", "Tous", "#000091", "d2")
ITEMS = {"1.ics": "un\r\n", "2.ics": "deux\r\n"}


def root(tmp_path: Path) -> Path:
    made = tmp_path / "collections" / "collection-root"
    made.mkdir(parents=True)
    return made


def test_calendars_are_placed_changed_and_taken_away(tmp_path: Path) -> None:
    here = root(tmp_path)
    assert place(here, [ONE, ALL], lambda _ident: ITEMS) == 2
    folder = here / ".published" / "zone-a"
    assert json.loads((folder / ".Radicale.props").read_text("utf-8")) == {
        "tag": "VCALENDAR", "D:displayname": "Zone A", "ICAL:calendar-color": "#18753c",
        "C:supported-calendar-component-set": "VEVENT",
    }  # fmt: skip
    assert (folder / "2.ics").read_bytes() == b"deux\r\n"
    told = here.parent / "published.json"
    assert json.loads(told.read_text("utf-8")) == {"zone-a": ["a1"], "tous": None}
    before = (folder / "1.ics").stat().st_ino
    assert place(here, [ONE, ALL], lambda _ident: ITEMS) == 0
    two = [replace(one, digest="d3") for one in (ONE, ALL)]
    assert place(here, two, lambda _ident: {**ITEMS, "2.ics": "deuxième\r\n", "3.ics": "trois\r\n"}) == 2
    assert (folder / "1.ics").stat().st_ino == before
    assert (folder / "2.ics").read_text("utf-8").strip() == "deuxième"
    assert place(here, [ONE, ALL], lambda _ident: {"1.ics": "un\r\n"}) == 2
    assert sorted(path.name for path in folder.iterdir()) == [".Radicale.props", ".digest", "1.ics"]
    assert place(here, [replace(ONE, name="Zone A")], _no_events) == 2, "its name alone is written, the other goes"
    assert (folder / "1.ics").exists() and not (here / ".published" / "tous").exists()
    assert place(here, [ALL], lambda _ident: {"1.ics": "un\r\n"}) == 2
    assert not folder.exists()
    assert json.loads(told.read_text("utf-8")) == {"tous": None}


def test_an_address_book_is_placed_as_one(tmp_path: Path) -> None:
    here = root(tmp_path)
    assert place(here, [Shown("book.equipe-x", "Équipe X", "", "d1", ("a1",))], lambda _ident: {"1.vcf": "un\r\n"}) == 1
    properties = json.loads((here / ".published" / "book.equipe-x" / ".Radicale.props").read_text("utf-8"))
    assert properties == {"tag": "VADDRESSBOOK", "D:displayname": "Équipe X"}


def _no_events(ident: str) -> dict[str, str]:
    raise MallepostError(f"{ident} cannot be read")


def test_one_that_fails_stays_and_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    here = root(tmp_path)
    place(here, [ONE], lambda _ident: ITEMS)
    later = replace(ONE, digest="d9", members=("a2",))

    def items(ident: str) -> dict[str, str]:
        return ITEMS if ident == "tous" else _no_events(ident)

    with pytest.raises(MallepostError, match="zone-a: zone-a cannot be read"):
        place(here, [later, ALL], items)
    assert (here / ".published" / "zone-a" / "1.ics").exists() and (here / ".published" / "tous" / "1.ics").exists()
    shown = json.loads((here.parent / "published.json").read_text("utf-8"))
    assert shown == {"zone-a": ["a2"], "tous": None}, "who may read no more does not, whatever the events are"


def test_they_are_no_agent_s(tmp_path: Path) -> None:
    here = root(tmp_path)
    place(here, [ALL], lambda _ident: ITEMS)
    assert Radicale(here).holders() == set()
