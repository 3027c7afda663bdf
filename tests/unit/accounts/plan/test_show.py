"""A plan as a person reads it."""

import csv
import io
from dataclasses import replace

import pytest
from malleposte.accounts.plan import show
from malleposte.accounts.plan.brakes import USUAL, Brake, Limit, stops
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.plan.show import HEADINGS, SHOWN

from tests.unit.accounts.plan.test_build import House, read, row

SCHOOLS = {"9990001X": "Collège Jean Moulin", "9990002Y": "Lycée de la Mer"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    made.feed(
        row(1, "Parti"), row(2, "Ancien"), row(3, "Reste"), *(row(30 + n, f"Part{LETTERS[n]}") for n in range(24))
    )
    return made


def whole(house: House):
    changed = row(2, "Nouveau", rest="9990002Y;;;;"), row(3, "Reste", rest="9990002Y;;convergence;;")
    return house.plan(read(*changed, row(4, "Le Goff", "Anna")))


def test_each_kind_is_shown_so_that_departures_hide_no_rename(house):
    lines = list(show.lines(whole(house), SCHOOLS))
    headings = [line.rstrip(":") for line in lines if line.endswith(":")]
    assert headings == ["suspended", "renamed", "another class", "new accounts"]
    at = lines.index("suspended:")
    assert lines[at + SHOWN + 1] == f"  … and {25 - SHOWN} more (--all shows them)"
    assert not any("more (" in line for line in show.lines(whole(house), SCHOOLS, whole=True))
    assert sum(": state: " in line for line in show.lines(whole(house), SCHOOLS, whole=True)) == 25


def test_people_schools_and_states_are_named_in_words(house):
    text = "\n".join(show.lines(whole(house), SCHOOLS, whole=True))
    assert "zparti                   Zoé Parti: state: not activated yet → suspended" in text
    renamed = next(line for line in text.splitlines() if " zancien " in line)
    assert "Zoé Ancien: surname: Ancien → Nouveau; " in renamed
    assert "address: zoe.ancien@ac-exemple.test → zoe.nouveau@ac-exemple.test" in renamed
    assert "school: 9990001X Collège Jean Moulin → 9990002Y Lycée de la Mer" in renamed
    assert "class: roundcube → convergence" in text
    assert "Anna Le Goff anna.le-goff@ac-exemple.test" in text
    assert "mpState" not in text and "Digest" not in text and "cn:" not in text and "k1:" not in text


def test_what_is_more_than_usual_is_said_with_the_way_to_mean_it(house):
    made = whole(house)
    few = stops(made, USUAL | {Brake.DEPARTURES: Limit(5.0, 1000)})
    (line,) = [one for one in show.lines(made, {}, few) if "more than usual" in one]
    assert "25 of 27 agents would be suspended (92.6 %" in line and line.endswith("--force departures")
    assert not any(
        "usual" in one for one in show.lines(made, {}, stops(made, USUAL | {Brake.DEPARTURES: Limit(99, 99)}))
    )


def test_the_whole_plan_is_a_table_without_formulas(house):
    made = whole(house)
    evil = Change(
        Kind.MODIFY, "x", f"uid=x,ou=people,{house.directory.suffix}", {"mpCorps": ["a"]}, {"mpCorps": ["=1+1"]}
    )
    made = replace(made, changes=(*made.changes, evil), left_alone={"zreste": "has mail"})
    text = "".join(show.table(made, SCHOOLS))
    assert text.startswith("\ufeffchange;account;name;fact;before;after;line\r\n")
    rows = list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"))
    assert sum(one[0] == "suspended" for one in rows) == 25
    assert ["renamed", "zancien", "Zoé Ancien", "surname", "Ancien", "Nouveau", "2"] in rows
    assert ["other facts", "x", "", "corps", "a", "'=1+1", ""] in rows
    assert rows[-1][:4] == ["left as it is", "zreste", "", "has mail"]


def test_every_kind_of_a_plan_s_changes_has_a_heading():
    made = {Kind.WITHDRAW, Kind.SUSPEND, Kind.RESUME, Kind.MODIFY, Kind.CREATE, Kind.SCHOOL, Kind.BOX, Kind.AGENDA}
    assert made | {Kind.ROOM, Kind.LIST, Kind.PURGE} == {one for one in HEADINGS if isinstance(one, Kind)}
