"""Rooms and equipment: entries from words and from feeds, and what is refused."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import pytest
from malleposte.accounts import feed
from malleposte.accounts.feed import columns
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import removal
from malleposte.accounts.plan import changes, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.changes import Plan
from malleposte.accounts.plan.current import Current
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import InputError
from malleposte.directory.model import (
    EVERYONE,
    SCHOOL,
    Agent,
    Attributes,
    Resource,
    ResourceKind,
    agent_attributes,
    resource_attributes,
)
from malleposte.groupware import rooms
from malleposte.lists.rule import from_url

from tests.support import academy
from tests.support.classes import read_feed
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
HEADER = ("Ressource", "Intitulé", "UAI", "Type de ressource", "Réservations", "Réservable par")
ROW = ("salle.x@ac-exemple.test", "Salle des conseils", "9990001X", "Salle", "2", "école, mdupond|fonction=Principal")


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    one = Agent("mdupond", "Marie", "Dupond", f"marie.dupond@{DOMAIN}", "convergence")
    made.add(one.dn(made.suffix), agent_attributes(one))
    return made


def planned(
    directory: MemoryDirectory, *rows: Sequence[str], header: Sequence[str] = HEADER
) -> tuple[changes.Plan, feed.Feed]:
    read = read_feed(academy.render(tuple(header), tuple(tuple(row) for row in rows)), "salles.csv")
    assert read.kind == columns.ROOM
    return rooms.plan(read, Current(directory), DOMAIN, NOW)


def done(directory: MemoryDirectory, plan: changes.Plan, tmp_path: Path) -> None:
    admit(lines.parse(plan.render().encode(), "plan.json"), directory.suffix, DOMAIN, "plan.json")
    with Journal(tmp_path / "journal", "test") as journal:
        assert not apply(plan, directory, journal).skipped


def held(directory: MemoryDirectory, uid: str = "salle.x") -> Attributes:
    return rooms.find(directory, uid).attributes


def test_a_row_says_all_of_a_room_and_the_same_again_changes_nothing(
    directory: MemoryDirectory, tmp_path: Path
) -> None:
    plan, read = planned(directory, ROW)
    assert not read.rejects
    done(directory, plan, tmp_path)
    room = held(directory, f"SALLE.X@{DOMAIN}")
    assert (room["cn"], room["mail"]) == (["Salle des conseils"], [f"salle.x@{DOMAIN}"])
    assert (room["mpResourceKind"], room["mpBookings"]) == (["location"], ["2"])
    assert (room["mpEstablishment"], room["mpState"]) == (["9990001X"], ["active"])
    school, named, rule = room["mpBooker"]
    assert (school, named) == (SCHOOL, "mdupond")
    assert "Principal" in from_url(rule, directory.suffix).query.render()
    again, _ = planned(directory, ROW)
    assert (again.changes, again.unchanged) == ((), 1)


def test_a_column_that_is_missing_decides_nothing(directory: MemoryDirectory, tmp_path: Path) -> None:
    done(directory, planned(directory, ROW)[0], tmp_path)
    before = held(directory)
    plan, _ = planned(directory, ("salle.x", "Salle des actes"), header=HEADER[:2])
    done(directory, plan, tmp_path)
    assert held(directory) == before | {"cn": ["Salle des actes"], "displayName": ["Salle des actes"]}
    other, _ = planned(directory, ("salle.x", "école"), header=(HEADER[0], HEADER[5]))
    done(directory, other, tmp_path)
    assert held(directory)["mpBooker"] == [SCHOOL]


def test_a_name_alone_is_a_room_that_everybody_books_once(directory: MemoryDirectory, tmp_path: Path) -> None:
    plan, _ = planned(directory, ("salle.y",), header=HEADER[:1])
    done(directory, plan, tmp_path)
    room = held(directory, "salle.y")
    assert (room["cn"], room["mpBookings"], room["mpBooker"]) == (["salle.y"], ["1"], [EVERYONE])


@pytest.mark.parametrize(
    ("place", "cell", "said"),
    [
        (0, "Salle des fêtes", "lettres minuscules"),
        (0, "mdupond", "jamais réattribué"),
        (2, "9990001A", "9990001A"),
        (2, "", "aucun UAI"),
        (3, "piscine", "« salle » ou « matériel »"),
        (4, "0", "nombre de 1"),
        (4, "1000", "999 au plus"),
        (5, "personne", "n’existe pas"),
        (5, "couleur=bleu", "règle"),
    ],
)
def test_a_row_with_a_fault_is_refused_whole_beside_a_good_one(
    directory: MemoryDirectory, place: int, cell: str, said: str
) -> None:
    bad = list(ROW)
    bad[place] = cell
    plan, read = planned(directory, bad, ("salle.z", *ROW[1:]))
    assert [change.uid for change in plan.changes] == ["salle.z"]
    (reject,) = read.rejects
    assert any(said in problem.cause for problem in reject.problems), reject.problems


def test_a_name_of_a_room_is_never_given_again(directory: MemoryDirectory, tmp_path: Path) -> None:
    done(directory, planned(directory, ROW)[0], tmp_path)
    assert f"salle.x@{DOMAIN}" in UsedNames(directory)
    with pytest.raises(InputError, match="never given again"):
        rooms.create(Resource("salle.x", "x", f"salle.x@{DOMAIN}"), Current(directory).names(), directory.suffix)


def test_a_school_that_books_cannot_be_taken_away(directory: MemoryDirectory, tmp_path: Path) -> None:
    done(directory, planned(directory, ROW)[0], tmp_path)
    room = rooms.find(directory, "salle.x")
    with pytest.raises(InputError, match="no school is left"):
        rooms.edit(room, {"mpEstablishment": []})
    assert rooms.edit(room, {"mpEstablishment": [], "mpBooker": [EVERYONE]})
    with pytest.raises(InputError, match="no school is given"):
        rooms.bookers(directory, ["@school"], ())


def test_it_goes_out_of_service_and_comes_back(directory: MemoryDirectory) -> None:
    one = Resource("v", "Véhicule", f"v@{DOMAIN}", ResourceKind.EQUIPMENT)
    directory.add(one.dn(directory.suffix), resource_attributes(one))
    (change,) = rooms.suspended(rooms.find(directory, "v"), suspend=True)
    assert change.after == {"mpState": ["suspended"]}
    assert rooms.suspended(rooms.find(directory, "v"), suspend=False) == []


def test_an_agent_who_is_removed_books_no_more_and_nobody_else_instead(
    directory: MemoryDirectory, tmp_path: Path
) -> None:
    one = Resource("v", "Véhicule", f"v@{DOMAIN}", bookers=("mdupond",))
    directory.add(one.dn(directory.suffix), resource_attributes(one))
    (agent,) = directory.search("people", ("uid",), {"uid": "mdupond"})
    found = removal.references(directory, agent)
    with Journal(tmp_path / "journal", "test") as journal:
        apply(Plan("", "", "", "", tuple(found)), directory, journal)
    assert not held(directory, "v").get("mpBooker")
