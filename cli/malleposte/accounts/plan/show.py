"""A plan for a person who reads it: each kind of change with names of people and schools, or all of it as a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from malleposte.accounts import journal
from malleposte.accounts.plan.brakes import Brake, Stop, of
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.core import spreadsheet
from malleposte.directory.model import Attributes, State

SHOWN = 20
"""Changes of each kind that are shown unless all are asked for."""
HEADINGS = {
    Kind.PURGE: "removed for good",
    Kind.WITHDRAW: "removed without a trace",
    Kind.SUSPEND: "suspended",
    Kind.RESUME: "taken up again",
    Brake.RENAMES: "renamed",
    Brake.CLASSES: "another class",
    Brake.MOVES: "another school",
    Kind.MODIFY: "other facts",
    Kind.CREATE: "new accounts",
    Kind.SCHOOL: "schools",
    Kind.BOX: "boxes",
    Kind.AGENDA: "agendas of boxes",
    Kind.ROOM: "rooms",
    Kind.LIST: "lists",
}
"""The headings, in the order in which they are read: what is hardest to undo first."""
FACTS = {
    "sn": "surname", "givenName": "given name", "cn": "name", "mail": "address", "mpEstablishment": "school",
    "mpProfile": "class", "mpState": "state", "mpCorps": "corps", "mpDiscipline": "discipline",
    "mpFunction": "function", "mpRecoveryMail": "recovery address", "mpRecoveryPhone": "recovery phone",
    "o": "name", "l": "town", "postalCode": "postal code", "mpDepartment": "department", "mpAgenda": "agenda",
    "displayName": "title", "mpMember": "members", "mpMemberURL": "rule", "mpPoster": "senders",
}  # fmt: skip
STATES = {
    State.PENDING: "not activated yet",
    State.ACTIVE: "active",
    State.SUSPENDED: "suspended",
    State.BLOCKED: "blocked",
    State.EXPIRED: "password expired",
}
_IMPLIED = {"mpStateChanged", "mailLocalAddress", "objectClass", *journal.SECRET}
Schools = Mapping[str, str]
"""Names of schools by UAI code."""


def heading(change: Change) -> str:
    """Return the heading below which a change is read."""
    if change.is_new or change.kind in (Kind.PURGE, Kind.SUSPEND, Kind.RESUME, Kind.WITHDRAW):
        return HEADINGS[change.kind]
    brakes = set(of(change))
    weighty = (brake for brake in (Brake.RENAMES, Brake.CLASSES, Brake.MOVES) if brake in brakes)
    return HEADINGS[next(weighty, change.kind if change.kind in HEADINGS else Kind.MODIFY)]


def lines(plan: Plan, schools: Schools, stops: Sequence[Stop] = (), *, whole: bool = False) -> Iterator[str]:
    """Yield the lines of a plan: counts, what is too much, then each kind of change (SHOWN of it, or the `whole`)."""
    less = f", {plan.left_out} cells left out" if plan.left_out else ""
    yield f"{plan.feed}: {plan.unchanged} unchanged, {plan.rejected} refused{less}"
    headings: dict[str, list[int]] = {title: [] for title in HEADINGS.values()}
    for number, change in enumerate(plan.changes):
        headings[heading(change)].append(number)
    for title, numbers in headings.items():
        if numbers:
            yield f"  {title:<24} {len(numbers):>6}"
    for stop in stops:
        yield f"  more than usual: {stop}; apply will refuse without --force {stop.brake}"
    yield from _left(plan, whole=whole)
    for title, numbers in headings.items():
        if numbers:
            yield f"{title}:"
        most = len(numbers) if whole else SHOWN
        for number in numbers[:most]:
            change = plan.changes[number]
            yield f"  {change.uid:<24} {said(change, schools)}"
        if len(numbers) > most:
            yield f"  … and {len(numbers) - most} more (--all shows them)"


def _left(plan: Plan, *, whole: bool) -> Iterator[str]:
    if plan.held_back:
        yield f"  not suspended, their row may be among the refused: {', '.join(plan.held_back[:SHOWN])}"
    if plan.left_alone:
        yield f"left as they are: {len(plan.left_alone)}"
    for uid, reason in itertools.islice(plan.left_alone.items(), None if whole else SHOWN):
        yield f"  {uid:<24} {reason}"
    if len(plan.left_alone) > SHOWN and not whole:
        yield f"  … and {len(plan.left_alone) - SHOWN} more (--all shows them)"


def said(change: Change, schools: Schools) -> str:
    """Return a change in a few words: whose, then what becomes of each fact."""
    note = f" ({change.note})" if change.note else ""
    if change.is_new or change.kind == Kind.WITHDRAW:
        attributes = change.after or change.before
        named = attributes.get("cn") or attributes.get("o") or [""]
        return " ".join(filter(None, (named[0], *attributes.get("mail", [])))) + note
    if change.kind == Kind.PURGE:
        return f"{change.name}, {'archived' if change.before.get('mpArchived') else 'NOT archived'}{note}"
    facts = (f"{fact}: {old or 'nothing'} → {new or 'nothing'}" for fact, old, new in differences(change, schools))
    return f"{change.name + ': ' if change.name else ''}{'; '.join(facts)}{note}"


def differences(change: Change, schools: Schools) -> Iterator[tuple[str, str, str]]:
    """Yield (fact, before, after) of a change, in words. Digests, stamps and further addresses are left out."""
    names = change.after if not change.is_new else {}
    parts = {"sn", "givenName"} & names.keys()
    for name in names:
        implied = name in _IMPLIED or name.lower() in _IMPLIED or (name in ("cn", "displayName") and parts)
        if not implied:
            old, new = (_value(name, one, schools) for one in (change.before, change.after))
            yield FACTS.get(name, name), old, new


def _value(name: str, attributes: Attributes, schools: Schools) -> str:
    values = attributes.get(name, [])
    if name == "mpEstablishment":
        values = [f"{code} {schools[code]}" if code in schools else code for code in values]
    elif name == "mpState":
        values = [STATES.get(State(one), one) for one in values]
    return ", ".join(values)


def table(plan: Plan, schools: Schools) -> Iterator[str]:
    """Yield the lines of a CSV file with all changes, a fact a line, for a spreadsheet. No text becomes a formula."""
    yield spreadsheet.MARK + spreadsheet.row(("change", "account", "name", "fact", "before", "after", "line"))
    for change in plan.changes:
        attributes = change.after if change.is_new else change.before
        name = change.name or "".join((attributes.get("cn") or attributes.get("o") or [""])[:1])
        facts: Iterable[tuple[str, str, str]] = differences(change, schools)
        if change.is_new or change.kind == Kind.WITHDRAW:
            address = ", ".join(attributes.get("mail", []))
            facts = [("address", "", address) if change.is_new else ("address", address, "")]
        if change.kind == Kind.PURGE:
            facts = [("state", _value("mpState", change.before, schools), "removed")]
        for fact, old, new in facts:
            yield spreadsheet.row((heading(change), change.uid, name, fact, old, new, str(change.line or "")))
    for uid, reason in plan.left_alone.items():
        yield spreadsheet.row(("left as it is", uid, "", reason, "", "", ""))
