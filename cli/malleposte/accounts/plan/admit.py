"""Limits for a plan's file: the changes of feeds, acts on many accounts. It can be edited, or be of another platform.

Whoever applies it has every right on the directory, so this is no fence against him or her; it keeps a damaged or a
foreign file from doing what no plan does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from malleposte.accounts.plan.changes import PURGED, Change, Kind, Plan
from malleposte.core.errors import InputError
from malleposte.directory.model import AGENT_CLASSES, BOX_CLASSES, LIST_CLASSES, RESOURCE_CLASSES, State, escape
from malleposte.directory.protocol import Branch

_PERSON = frozenset(
    ("cn", "sn", "givenName", "displayName", "mail", "mailLocalAddress", "mpProfile", "mpEstablishment", "mpCorps",
     "mpDiscipline", "mpFunction", "mpRecoveryMail", "mpRecoveryPhone", "mpNumenDigest", "mpSourceDigest")
)  # fmt: skip
_STATE = frozenset(("mpState", "mpStateChanged"))
_CODE = frozenset(("mpInaCode", "mpInaDigest", "mpInaExpiry"))
_SCHOOL = frozenset(("o", "l", "postalCode", "mpDepartment"))
_BOX = frozenset(
    ("objectClass", "uid", "cn", "displayName", "mail", "mailLocalAddress", "mpState", "mpProfile", "mpEstablishment",
     "mpAgenda")
)  # fmt: skip
_LIST = frozenset(
    ("objectClass", "cn", "displayName", "mail", "mailLocalAddress", "member", "mpMember", "mpMemberURL", "mpPoster",
     "mpModerator", "mpManager", "mpMaxSize", "mpRate", "mpState", "mpHidden",
     "mpArchive")
)  # fmt: skip
_ROOM = frozenset(
    ("objectClass", "uid", "cn", "displayName", "mail", "mpResourceKind", "mpBookings", "mpBooker", "mpEstablishment",
     "mpState")
)  # fmt: skip
_MAKES_OR_CHANGES = (Kind.SCHOOL, Kind.LIST, Kind.ROOM)


@dataclass(frozen=True)
class _Form:
    """The limits of a kind of change: its branch, the form of its names, its attributes and the states it gives."""

    branch: Branch
    key: str
    attributes: frozenset[str]
    states: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()


_FORMS: Mapping[Kind, _Form] = {
    Kind.CREATE: _Form(
        "people", "uid", _PERSON | _STATE | {"objectClass", "uid"}, frozenset((State.PENDING,)), AGENT_CLASSES
    ),
    Kind.MODIFY: _Form("people", "uid", _PERSON),
    Kind.SUSPEND: _Form("people", "uid", _STATE | _CODE, frozenset((State.SUSPENDED,))),
    Kind.RESUME: _Form("people", "uid", _PERSON | _STATE | {"mpArchived"}, frozenset((State.ACTIVE, State.PENDING))),
    Kind.PROFILE: _Form("people", "uid", frozenset(("mpProfile",))),
    Kind.SCHOOL: _Form(
        "establishments", "mpEstablishment", _SCHOOL | {"objectClass", "mpEstablishment"}, classes=("mpSchool",)
    ),
    Kind.BOX: _Form("functional", "uid", _BOX, frozenset((State.ACTIVE,)), BOX_CLASSES),
    Kind.AGENDA: _Form("functional", "uid", frozenset(("mpAgenda",))),
    Kind.ROOM: _Form("resources", "uid", _ROOM, frozenset((State.ACTIVE,)), RESOURCE_CLASSES),
    Kind.LIST: _Form("lists", "cn", _LIST, frozenset((State.ACTIVE,)), LIST_CLASSES),
}


def admit(plan: Plan, suffix: str, domain: str, where: str) -> None:
    """Raise InputError, naming the change, unless a feed of this platform could have made the whole plan."""
    if plan.domain != domain:
        raise InputError(f"{where}: a plan for {plan.domain[:80]!r}, this is {domain}", "plan again")
    leaving = 0
    for number, change in enumerate(plan.changes, 1):
        wrong = _wrong(change, suffix, domain, reverts=bool(plan.reverts))
        if wrong:
            raise InputError(f"{where}: change {number}: {wrong}", "no feed makes that: plan again")
        leaving += change.kind == Kind.SUSPEND
    if leaving > plan.departures.leaving:
        raise InputError(f"{where}: {leaving} departures, {plan.departures.leaving} are declared", "plan again")


def _wrong(change: Change, suffix: str, domain: str, *, reverts: bool) -> str:
    form = _FORMS.get(change.kind)
    if reverts and change.kind == Kind.WITHDRAW:
        return _wrong_withdrawal(change, suffix)
    if change.kind == Kind.PURGE:
        return _wrong_purge(change, suffix)
    if form is None:
        return f"{change.kind} is not asked by a file"
    if not _is_at(change, form, suffix):
        return f"{change.dn[:120]!r} is not where {change.uid[:64]!r} is"
    if change.is_new != bool(form.classes) and not (change.kind in _MAKES_OR_CHANGES and not change.is_new):
        return "makes or changes an entry where its kind does the other"
    if reverts:  # the end of a suspension may bring other facts, and its reverse takes them away
        facts = _PERSON | _STATE | _CODE | {"mpArchived"} if form.branch == "people" else form.attributes
        form = replace(form, states=frozenset(State), attributes=facts)
    return _wrong_values(change, form, domain)


def _is_at(change: Change, form: _Form, suffix: str) -> bool:
    return change.dn.lower() == f"{form.key}={escape(change.uid)},ou={form.branch},{suffix}".lower()


def _wrong_withdrawal(change: Change, suffix: str) -> str:
    """Return the fault in the removal of an entry: it has the classes that a feed gives, and nobody activated it."""
    makers = [form for form in _FORMS.values() if form.classes and _is_at(change, form, suffix)]
    classes = sorted(change.before.get("objectClass", []))
    if change.after or not any(sorted(form.classes) == classes for form in makers):
        return f"takes away {change.dn[:120]!r}, which no feed makes"
    if change.branch == "people" and change.before.get("mpState") != [State.PENDING.value]:
        return f"takes away {change.uid[:64]!r}, who is not pending"
    return ""


def _wrong_purge(change: Change, suffix: str) -> str:
    """Return the fault in the removal of an account for good: it is an agent's, and suspended."""
    if not _is_at(change, _FORMS[Kind.MODIFY], suffix):
        return f"{change.dn[:120]!r} is not where {change.uid[:64]!r} is"
    if change.after or set(change.before) - set(PURGED):
        return f"changes facts of {change.uid[:64]!r}, who is to be removed"
    if change.before.get("mpState") != [State.SUSPENDED.value]:
        return f"removes {change.uid[:64]!r}, who is not suspended"
    return ""


def _wrong_values(change: Change, form: _Form, domain: str) -> str:
    """Return the fault in the values that it sets; an attribute is known by its exact name."""
    for name in (*change.before, *change.after):
        if name not in form.attributes:
            return f"{name[:60]!r} is not for {change.kind}"
    if change.is_new and (tuple(change.after["objectClass"]) != form.classes or change.before):
        return "an entry of other classes"
    if change.is_new and change.after.get(form.key) != [change.uid]:
        return f"{form.key} is not {change.uid[:64]!r}"
    if not change.is_new and set(change.before) - set(change.after):
        return "takes away what it does not name"
    if not set(change.after.get("mpState", ())) <= form.states:
        return f"sets the state {change.after['mpState']}"
    foreign = [
        address
        for name in ("mail", "mailLocalAddress")
        for address in set(change.after.get(name, ())) - set(change.before.get(name, ()))
        if not address.lower().endswith(f"@{domain.lower()}")
    ]
    return f"gives the address {foreign[0][:80]!r}, of another domain" if foreign else ""
