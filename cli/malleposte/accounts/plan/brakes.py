"""Brakes on imports: a file that changes more accounts at once than usual is applied only when a person says so.

Each kind of change has a share of the accounts that came from files, and a number. More than one of them stops the
whole plan before anything is changed, and the most likely cause is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.core.errors import MallepostError


class Brake(StrEnum):
    """The kinds of changes that are counted."""

    DEPARTURES = "departures"
    RENAMES = "renames"
    ADDRESSES = "addresses"
    MOVES = "moves"
    CLASSES = "classes"
    STATES = "states"
    REMOVALS = "removals"


@dataclass(frozen=True)
class Limit:
    """The changes that are usual: a percentage of the accounts that came from files, and a number."""

    percent: float
    number: int


Limits = Mapping[Brake, Limit]
USUAL: Limits = {
    Brake.DEPARTURES: Limit(5.0, 1000),
    Brake.RENAMES: Limit(2.0, 100),
    Brake.ADDRESSES: Limit(2.0, 100),
    Brake.MOVES: Limit(40.0, 10_000),
    Brake.CLASSES: Limit(5.0, 500),
    Brake.STATES: Limit(5.0, 500),
    Brake.REMOVALS: Limit(5.0, 500),
}
"""Without settings of the host. In September a third of all agents move."""
FEW = 5
"""So many renames, moves and the like are never too many. A departure always counts: it closes an account."""

_ATTRIBUTES = {
    Brake.RENAMES: "cn",
    Brake.ADDRESSES: "mail",
    Brake.MOVES: "mpEstablishment",
    Brake.CLASSES: "mpProfile",
}
_WORDS = {
    Brake.DEPARTURES: ("would be suspended", "is the file complete?"),
    Brake.RENAMES: ("would get another name", "are the columns of names the right ones?"),
    Brake.ADDRESSES: ("would get another address", "did names change in spelling alone?"),
    Brake.MOVES: ("would change school", "is the column of schools (uai) that of this year?"),
    Brake.CLASSES: ("would change class", "is the column profil meant?"),
    Brake.STATES: ("would be taken up again", "was the file before this one incomplete?"),
    Brake.REMOVALS: ("would be removed for good", "is it the list of those who left long ago?"),
}
CAPITALS = "the file has names in capitals: plan again with --recase?"


class TooManyChangesError(MallepostError):
    """The plan would change more accounts than the settings let through."""


@dataclass(frozen=True)
class Stop:
    """Changes of one kind that are too many: their number, the accounts that came from files, the likely cause."""

    brake: Brake
    count: int
    accounts: int
    limit: Limit
    cause: str

    def __str__(self) -> str:
        """The sentence without the remedy."""
        percent = _percent(self.count, self.accounts)
        more = f"{percent:.1f} %, more than {self.limit.percent:g} %"
        if percent <= self.limit.percent:
            more = f"more than {self.limit.number}"
        return f"{self.count} of {self.accounts} agents {_WORDS[self.brake][0]} ({more}): {self.cause}"


def of(change: Change) -> Iterator[Brake]:
    """Yield the brakes that count a change of an account that is there."""
    if change.kind == Kind.SUSPEND:
        yield Brake.DEPARTURES
    elif change.kind == Kind.RESUME:
        yield Brake.STATES
    elif change.kind == Kind.PURGE:
        yield Brake.REMOVALS
    if change.is_new or change.branch != "people":
        return
    for brake, name in _ATTRIBUTES.items():
        if change.before.get(name) and name in change.after:
            yield brake


def stops(plan: Plan, limits: Limits = USUAL) -> list[Stop]:
    """Return the kinds of changes of a plan that are too many. One that takes an import back has none."""
    if plan.reverts:
        return []
    counts, capitals = Counter[Brake](), 0
    for change in plan.changes:
        brakes = list(of(change))
        counts.update(brakes)
        capitals += Brake.RENAMES in brakes and _in_capitals(change.after.get("sn") or change.after["cn"])
    accounts = plan.departures.known
    return [
        Stop(brake, counts[brake], accounts, limits[brake], _cause(brake, capitals, counts[Brake.RENAMES]))
        for brake in Brake
        if _too_many(brake, counts[brake], accounts, limits[brake])
    ]


def demand(plan: Plan, limits: Limits, forced: Collection[str] = ()) -> None:
    """Raise TooManyChangesError for changes that are too many and not `forced`, naming all of them."""
    stopping = [stop for stop in stops(plan, limits) if stop.brake not in forced]
    if stopping:
        words = " ".join(f"--force {stop.brake}" for stop in stopping)
        raise TooManyChangesError(f"{plan.feed}: {'; '.join(map(str, stopping))}", f"if it is meant, say {words}")


def _too_many(brake: Brake, count: int, accounts: int, limit: Limit) -> bool:
    few = 0 if brake is Brake.DEPARTURES else FEW
    return count > few and (count > limit.number or _percent(count, accounts) > limit.percent)


def _percent(count: int, accounts: int) -> float:
    return 100 * count / accounts if accounts else 0.0


def _cause(brake: Brake, capitals: int, renames: int) -> str:
    return CAPITALS if brake in (Brake.RENAMES, Brake.ADDRESSES) and capitals * 2 > renames else _WORDS[brake][1]


def _in_capitals(names: Iterable[str]) -> bool:
    return all(name.isupper() for name in names)
