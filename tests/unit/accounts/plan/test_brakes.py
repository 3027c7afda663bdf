"""Imports that change more accounts than is usual: refused with the likely cause until a person means it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from malleposte.accounts.plan import brakes
from malleposte.accounts.plan.brakes import FEW, USUAL, Brake, Limit, TooManyChangesError
from malleposte.accounts.plan.changes import Change, Departures, Kind, Plan
from malleposte.accounts.settings import Settings
from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT

KNOWN = 1000


def changed(kind: Kind = Kind.MODIFY, **facts: tuple[str, str]) -> Callable[[int], Change]:
    def make(number: int) -> Change:
        before, after = ({name: [pair[side]] for name, pair in facts.items()} for side in (0, 1))
        return Change(kind, f"a{number}", f"uid=a{number},ou=people,dc=ac-exemple,dc=test", before, after)

    return make


CASES: dict[Brake, Callable[[int], Change]] = {
    Brake.DEPARTURES: changed(Kind.SUSPEND, mpState=("active", "suspended")),
    Brake.RENAMES: changed(cn=("Zoé Martin", "Zoé Durand"), sn=("Martin", "Durand")),
    Brake.ADDRESSES: changed(mail=("a@ac-exemple.test", "b@ac-exemple.test")),
    Brake.MOVES: changed(mpEstablishment=("9990001X", "9990002Y")),
    Brake.CLASSES: changed(mpProfile=("roundcube", "convergence")),
    Brake.STATES: changed(Kind.RESUME, mpState=("suspended", "active")),
    Brake.REMOVALS: lambda number: replace(changed(Kind.PURGE, mpState=("suspended", ""))(number), after={}),
}


def plan(many: int, make: Callable[[int], Change], known: int = KNOWN) -> Plan:
    return Plan("", "rh.csv", "", "", tuple(map(make, range(many))), Departures(0, known))


@pytest.mark.parametrize("brake", Brake)
def test_a_share_and_a_number_each_stop_the_whole_plan(brake: Brake) -> None:
    limits = {**USUAL, brake: Limit(10.0, 300)}
    brakes.demand(plan(100, CASES[brake]), limits)
    with pytest.raises(TooManyChangesError, match=r"^rh\.csv: 101 of 1000 agents .*10\.1 %, more than 10 %") as error:
        brakes.demand(plan(101, CASES[brake]), limits)
    assert error.value.hint == f"if it is meant, say --force {brake}"
    brakes.demand(plan(101, CASES[brake]), limits, [brake])
    brakes.demand(plan(300, CASES[brake], 30_000), limits)
    with pytest.raises(TooManyChangesError, match=r"301 of 30000 agents .*more than 300"):
        brakes.demand(plan(301, CASES[brake], 30_000), limits)


def test_a_few_of_a_small_academy_are_usual_but_for_departures() -> None:
    for brake, make in CASES.items():
        few = plan(FEW, make, 10)
        if brake is Brake.DEPARTURES:
            with pytest.raises(TooManyChangesError):
                brakes.demand(few, USUAL)
        else:
            brakes.demand(few, USUAL)


def test_names_in_capitals_are_named_as_the_cause() -> None:
    capitals = changed(cn=("Zoé Martin", "Zoé MARTIN"), sn=("Martin", "MARTIN"))
    with pytest.raises(TooManyChangesError, match="names in capitals: plan again with --recase"):
        brakes.demand(plan(200, capitals), USUAL)
    with pytest.raises(TooManyChangesError, match="are the columns of names the right ones"):
        brakes.demand(plan(200, CASES[Brake.RENAMES]), USUAL)


def test_every_kind_that_is_too_much_is_named_at_once_and_each_must_be_meant() -> None:
    both = plan(0, CASES[Brake.MOVES])
    both = replace(both, changes=(*plan(500, CASES[Brake.MOVES]).changes, *plan(200, CASES[Brake.CLASSES]).changes))
    with pytest.raises(TooManyChangesError, match=r"500 of 1000.*; 200 of 1000") as error:
        brakes.demand(both, USUAL)
    assert error.value.hint == "if it is meant, say --force moves --force classes"
    with pytest.raises(TooManyChangesError, match=r"^rh\.csv: 200 of 1000"):
        brakes.demand(both, USUAL, ["moves"])


@pytest.mark.parametrize(
    "first",
    [
        changed(mpRecoveryPhone=("", "+33612345678")),
        changed(mpSourceDigest=("k1:a", "k1:b")),
        lambda number: Change(Kind.CREATE, f"a{number}", f"uid=a{number},ou=people,dc=x", {}, {"objectClass": ["x"]}),
    ],
)  # fmt: skip
def test_arrivals_and_other_facts_are_not_counted(first: Any) -> None:
    assert brakes.stops(plan(900, first)) == []


def test_a_first_name_a_first_school_or_a_first_class_is_no_change_of_one() -> None:
    def school(number: int) -> Change:
        return replace(CASES[Brake.MOVES](number), before={"mpEstablishment": []})

    assert brakes.stops(plan(900, school)) == []


def test_an_import_is_taken_back_without_a_brake() -> None:
    back = replace(plan(900, CASES[Brake.DEPARTURES]), reverts="20260901-060000-3f2a")
    brakes.demand(back, USUAL)


def settings(**more: Any) -> Settings:
    names = ("uri", "suffix", "domain", "bind_dn", "password_file", "keys_file", "journal")
    fields: dict[str, Any] = dict.fromkeys(names)
    return Settings(**fields, most_departures=7.0, **more)


def test_limits_come_from_the_host_s_settings() -> None:
    limits = settings(most_changes={"renames": {"percent": 1.5, "number": 20}}).brakes()
    assert limits[Brake.RENAMES] == Limit(1.5, 20)
    assert limits[Brake.DEPARTURES] == Limit(7.0, USUAL[Brake.DEPARTURES].number)
    assert limits[Brake.MOVES] == USUAL[Brake.MOVES]
    for wrong in ({"names": {"percent": 1, "number": 1}}, {"renames": {"percent": 1}}):
        with pytest.raises(InputError, match="most_changes"):
            settings(most_changes=wrong).brakes()


def test_the_documentation_has_the_same_limits() -> None:
    page = (ROOT / "docs/accounts.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d.]+) % \| (\d+) \|", page, re.MULTILINE)
    assert {Brake(name): Limit(float(share), int(number)) for name, share, number in rows} == USUAL
