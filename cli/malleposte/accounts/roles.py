"""Roles of accounts (`mpRole`): `helpdesk SCOPE`; `dsi`, which acts by the command line and sees the state of the
platform on the portal; and `convoke`, which sends convocations for the boxes that the facts name.

A scope is a school's UAI code, the number of a département, or `*`. One value a scope. The help desk acts on no account
that has any role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from malleposte.accounts.feed import values
from malleposte.accounts.life.base import change
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.protocol import Directory, Entry

ATTRIBUTE = "mpRole"
HELPDESK, DSI, CONVOKE = "helpdesk", "dsi", "convoke"
ROLES = (HELPDESK, DSI, CONVOKE)
EVERYWHERE = "*"


@dataclass(frozen=True)
class Reach:
    """The accounts that a help desk may act on: of which schools, of which départements, or of all."""

    schools: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    everywhere: bool = False

    def __bool__(self) -> bool:
        """Whether it reaches anything."""
        return self.everywhere or bool(self.schools or self.departments)

    @property
    def words(self) -> tuple[str, ...]:
        """As the values are written: `*` alone, or départements, then schools."""
        return (EVERYWHERE,) if self.everywhere else (*sorted(self.departments), *sorted(self.schools))

    def covers(self, schools: Iterable[str], department: Callable[[str], str]) -> bool:
        """Whether an agent of these schools is in reach. `department` gives that of a school, empty for none known."""
        if self.everywhere:
            return True
        own = {one.upper() for one in schools}
        return bool(own & self.schools) or (
            bool(self.departments) and any(department(one) in self.departments for one in own)
        )


def reach(roles: Sequence[str]) -> Reach:
    """The reach of a help desk, from the values of `mpRole`; what is not understood reaches nothing."""
    scopes = {words[1].upper() for one in roles if len(words := one.split()) == 2 and words[0].lower() == HELPDESK}
    return Reach(
        frozenset(one for one in scopes if len(one) == 8),
        frozenset(one for one in scopes if 2 <= len(one) <= 3),
        EVERYWHERE in scopes,
    )


def is_dsi(roles: Sequence[str]) -> bool:
    """Whether the values of `mpRole` hold the DSI's role."""
    return any(one.strip().lower() == DSI for one in roles)


def may_convoke(roles: Sequence[str]) -> bool:
    """Whether the values of `mpRole` hold the role of whoever convokes."""
    return any(one.strip().lower() == CONVOKE for one in roles)


def departments(directory: Directory) -> Callable[[str], str]:
    """A function that gives the département of a school; each is read once."""
    by_school: dict[str, str] = {}

    def of(school: str) -> str:
        if school not in by_school:
            entries = directory.search("establishments", ["mpDepartment"], {"mpEstablishment": school})
            by_school[school] = next((one for entry in entries for one in entry.attributes.get("mpDepartment", ())), "")
        return by_school[school]

    return of


def scoped(schools: Iterable[str] = (), numbers: Iterable[str] = (), *, everywhere: bool = False) -> tuple[str, ...]:
    """The scopes of a help desk, judged. Raises InputError on what is no code, and on none at all."""
    try:
        scopes = (*map(values.department, numbers), *map(values.uai, schools))
    except values.BadValueError as error:
        raise InputError(str(error)) from error
    if bool(scopes) is everywhere:
        raise InputError(
            "a help desk has schools and départements, or is for all",
            "give --school UAI, --department NUMBER, or --everywhere",
        )
    return (EVERYWHERE,) if everywhere else scopes


def granted(entry: Entry, role: str, scopes: Sequence[str] = ()) -> list[Change]:
    """The change that gives an account a role: a help desk's scopes take the place of the ones before."""
    new = [f"{HELPDESK} {one}" for one in scopes] if role == HELPDESK else [role]
    return change(Kind.MODIFY, entry, {ATTRIBUTE: [*_others(entry, role), *dict.fromkeys(new)]})


def withdrawn(entry: Entry, role: str) -> list[Change]:
    """The change that takes a role away."""
    return change(Kind.MODIFY, entry, {ATTRIBUTE: _others(entry, role)})


def _others(entry: Entry, role: str) -> list[str]:
    return [one for one in entry.attributes.get(ATTRIBUTE, []) if one.split()[:1] != [role]]
