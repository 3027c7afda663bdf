"""Roles of accounts: scopes as they are written, and whom a help desk reaches."""

import pytest
from malleposte.accounts import roles
from malleposte.accounts.plan.changes import Change
from malleposte.core.errors import InputError
from malleposte.directory.protocol import Entry

from tests.support.directory import MemoryDirectory

SCHOOL, FAR = "0210001M", "0580001X"
DEPARTMENTS = {SCHOOL: "21", FAR: "58"}


def test_scopes_are_judged() -> None:
    assert roles.scoped(["0210001m"], ["021", "2a"]) == ("21", "2A", SCHOOL)
    assert roles.scoped(everywhere=True) == ("*",)


@pytest.mark.parametrize(
    ("schools", "numbers", "everywhere", "said"),
    [
        ((), (), False, "has schools and départements, or is for all"),
        (["0210001M"], (), True, "has schools and départements, or is for all"),
        (["0210001X"], (), False, "0210001X"),
        ((), ["XX"], False, "XX"),
        ((), ["*"], False, r"\*"),
    ],
)
def test_other_scopes_are_refused(schools: list[str], numbers: list[str], everywhere: bool, said: str) -> None:
    with pytest.raises(InputError, match=said):
        roles.scoped(schools, numbers, everywhere=everywhere)


@pytest.mark.parametrize(
    ("held", "schools", "covered"),
    [
        ([f"helpdesk {SCHOOL}"], [SCHOOL], True),
        ([f"HelpDesk {SCHOOL.lower()}"], [SCHOOL.lower()], True),
        ([f"helpdesk {SCHOOL}"], [FAR, SCHOOL], True),
        ([f"helpdesk {SCHOOL}"], [FAR], False),
        ([f"helpdesk {SCHOOL}"], [], False),
        (["helpdesk 21"], [SCHOOL], True),
        (["helpdesk 21"], [FAR], False),
        (["helpdesk 21"], ["9990001X"], False),
        (["helpdesk 21"], [], False),
        (["helpdesk *"], [], True),
        (["dsi"], [SCHOOL], False),
        (["helpdesk"], [SCHOOL], False),
        (["helpdesk * 21"], [SCHOOL], False),
        (["dsi *"], [SCHOOL], False),
        ([], [SCHOOL], False),
    ],
)
def test_whom_a_help_desk_reaches(held: list[str], schools: list[str], covered: bool) -> None:
    assert roles.reach(held).covers(schools, lambda one: DEPARTMENTS.get(one, "")) is covered


def test_a_reach_is_said_as_it_is_written() -> None:
    assert roles.reach([f"helpdesk {SCHOOL}", "helpdesk 58", "helpdesk 21"]).words == ("21", "58", SCHOOL)
    assert roles.reach([f"helpdesk {SCHOOL}", "helpdesk *"]).words == ("*",)
    assert not roles.reach(["dsi"])


def test_the_departement_of_a_school_is_read_once() -> None:
    directory = MemoryDirectory()
    dn = f"mpEstablishment={SCHOOL},ou=establishments,{directory.suffix}"
    directory.add(dn, {"objectClass": ["mpSchool"], "mpEstablishment": [SCHOOL], "mpDepartment": ["21"]})
    of = roles.departments(directory)
    assert (of(SCHOOL), of(FAR)) == ("21", "")
    directory.delete(dn)
    assert of(SCHOOL) == "21"


def after(changes: list[Change]) -> list[str]:
    (change,) = changes
    return change.after[roles.ATTRIBUTE]


def test_a_grant_takes_the_place_of_the_scopes_before_and_leaves_the_other_role() -> None:
    entry = Entry("uid=a", {"uid": ["a"], roles.ATTRIBUTE: ["helpdesk 21", "dsi"]})
    assert after(roles.granted(entry, roles.HELPDESK, ("58", SCHOOL))) == ["dsi", "helpdesk 58", f"helpdesk {SCHOOL}"]
    assert after(roles.withdrawn(entry, roles.HELPDESK)) == ["dsi"]
    assert after(roles.withdrawn(entry, roles.DSI)) == ["helpdesk 21"]
    assert roles.granted(entry, roles.DSI) == []
    assert roles.withdrawn(Entry("uid=b", {"uid": ["b"]}), roles.DSI) == []
