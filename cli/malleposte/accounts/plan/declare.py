"""One account as somebody declares it: from a document to the changes that make it so. What the Ansible module runs.

Only what the document names is looked at; nothing is said of passwords. What the feeds decide of an account, the next
feed decides again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from malleposte.accounts import life
from malleposte.accounts.feed import values
from malleposte.accounts.life.edits import MOST_MB
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, Attributes, State, first
from malleposte.directory.protocol import Entry

PRESENT, SUSPENDED, ABSENT = "present", "suspended", "absent"
STATES = (PRESENT, SUSPENDED, ABSENT)
_LABELS = {"corps": "mpCorps", "discipline": "mpDiscipline", "function": "mpFunction"}


def _text(judge: Callable[[str], object]) -> Callable[[Any], Any]:
    """A text judged as a cell of a feed; the empty one takes the fact away."""

    def judged(raw: Any) -> Any:
        if not isinstance(raw, str):
            raise values.BadValueError("not a text", "n’est pas un texte")
        return judge(raw) if raw.strip() else ""

    return judged


def _schools(raw: Any) -> list[str]:
    if not isinstance(raw, list) or not all(isinstance(code, str) for code in raw):
        raise values.BadValueError("not a list of UAI codes", "n’est pas une liste de codes UAI")
    return list(dict.fromkeys(values.uai(code) for code in raw))


def _quota(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= MOST_MB:
        raise values.BadValueError(
            f"not a number of MB (0, of the class, to {MOST_MB})", f"n’est pas un nombre de Mo (0 à {MOST_MB})"
        )
    return raw


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise values.BadValueError("neither true nor false", "ni vrai ni faux")
    return raw


_JUDGES: Mapping[str, Callable[[Any], Any]] = {
    "given_name": _text(values.person_name),
    "surname": _text(values.person_name),
    "mail": _text(lambda text: text.strip().lower()),
    "profile": _text(lambda text: text.strip()),
    "corps": _text(values.label),
    "discipline": _text(values.label),
    "function": _text(values.label),
    "recovery_mail": _text(values.address),
    "recovery_phone": _text(values.phone),
    "numen": _text(values.numen),
    "schools": _schools,
    "quota_mb": _quota,
    "hidden": _flag,
}


@dataclass(frozen=True)
class Declared:
    """A document, judged: `facts` holds only what it names."""

    uid: str
    state: str
    facts: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: object) -> Declared:
        """Read it. Raises InputError naming the fact and what is wrong with it."""
        if not isinstance(raw, dict):
            raise InputError("an account is declared by a JSON object")
        uid, state = raw.get("uid"), raw.get("state", PRESENT)
        if not isinstance(uid, str) or not uid:
            raise InputError("uid: missing")
        if state not in STATES:
            raise InputError(f"{uid}: state {str(state)[:20]!r} is none of {', '.join(STATES)}")
        strange = sorted(set(raw) - set(_JUDGES) - {"uid", "state"})
        if strange:
            raise InputError(
                f"{uid}: {strange[0][:40]!r} is nothing that can be declared", f"known: {', '.join(_JUDGES)}"
            )
        facts = {}
        for name, judge in _JUDGES.items():
            if raw.get(name) is None:
                continue
            try:
                facts[name] = judge(raw[name])
            except values.BadValueError as error:
                raise InputError(f"{uid}: {name}: {error}") from error
        return cls(uid.lower(), state, facts)


@dataclass(frozen=True)
class House:
    """The platform's part of a declaration: suffix and domain, classes, names that are taken, the key of a NUMEN."""

    suffix: str
    domain: str
    profiles: Collection[str]
    default_profile: str
    taken: Container[str]
    numen_digest: Callable[[str], str]


def changes(declared: Declared, entry: Entry | None, house: House, now: datetime.datetime) -> list[Change]:
    """Return the changes that bring the account to this state; nothing if it is. Raises InputError for the impossible.

    Absent is suspended: what is left of an account goes after the delays of its life, as everybody's.
    """
    profile = declared.facts.get("profile")
    if profile and profile not in house.profiles:
        raise InputError(f"{declared.uid}: no class {profile!r}", f"known are {', '.join(house.profiles)}")
    if entry is None:
        if declared.state == ABSENT:
            return []
        if declared.state == SUSPENDED:
            raise InputError(f"{declared.uid}: there is no such account to suspend")
        return _arrival(declared, house, now)
    if declared.state in (SUSPENDED, ABSENT):
        return life.suspend(entry, now)
    back = life.resume(entry, now) if first(entry.attributes, "mpState") == State.SUSPENDED else []
    return [*back, *_edits(declared, entry, house, now)]


def _arrival(declared: Declared, house: House, now: datetime.datetime) -> list[Change]:
    facts = declared.facts
    for name in ("given_name", "surname"):
        if not facts.get(name):
            raise InputError(f"{declared.uid}: there is no such account, and no {name} to make it of")
    quota = facts.get("quota_mb") or None
    agent = Agent(
        uid=declared.uid,
        given_name=facts["given_name"],
        surname=facts["surname"],
        mail=facts.get("mail", ""),
        profile=facts.get("profile") or house.default_profile,
        establishments=tuple(facts.get("schools", ())),
        corps=facts.get("corps", ""),
        discipline=facts.get("discipline", ""),
        function=facts.get("function", ""),
        hidden=facts.get("hidden", False),
        quota_mb=quota,
    )
    digest = house.numen_digest(facts["numen"]) if facts.get("numen") else ""
    arrival = life.Arrival(agent, digest, facts.get("recovery_mail", ""), facts.get("recovery_phone", ""))
    return life.create(arrival, house.suffix, house.domain, house.taken, now)


def _edits(declared: Declared, entry: Entry, house: House, now: datetime.datetime) -> list[Change]:
    facts, changes = declared.facts, list[Change]()
    given_name, surname, mail = (facts.get(name, "") for name in ("given_name", "surname", "mail"))
    own = {name: first(entry.attributes, name) for name in ("givenName", "sn", "mail")}
    if (
        (given_name and given_name != own["givenName"])
        or (surname and surname != own["sn"])
        or (mail and mail != own["mail"])
    ):
        named = (given_name and given_name != own["givenName"]) or (surname and surname != own["sn"])
        address = mail or ("" if named else own["mail"])
        changes += life.rename(
            entry, house.domain, house.taken, given_name=given_name, surname=surname, address=address
        )
    if "schools" in facts:
        changes += life.move(entry, facts["schools"])
    if facts.get("profile"):
        changes += life.profile(entry, facts["profile"])
    if "quota_mb" in facts:
        changes += life.quota(entry, facts["quota_mb"] or None)
    plain: Attributes = {key: [facts[name]] if facts[name] else [] for name, key in _LABELS.items() if name in facts}
    if "hidden" in facts:
        plain["mpHidden"] = ["TRUE"] if facts["hidden"] else []
    changes += life.attributes(entry, plain)
    return changes + life.set_recovery(entry, now, mail=facts.get("recovery_mail"), phone=facts.get("recovery_phone"))


SHOWN = ("mpRecoveryMail", "mpRecoveryPhone")
"""Means of recovery are the owner's: a difference of theirs is told, not shown."""


def difference(todo: Collection[Change]) -> dict[str, dict[str, list[str]]]:
    """`before` and `after` of all the changes, for a person; digests and means of recovery are not shown."""
    hidden = {"mpnumendigest", "mpinacode", "mpinadigest", "mpsourcedigest", *(name.lower() for name in SHOWN)}
    sides: dict[str, dict[str, list[str]]] = {"before": {}, "after": {}}
    for change in todo:
        for name in {**change.before, **change.after}:
            for side, attributes in (("before", change.before), ("after", change.after)):
                texts = attributes.get(name, [])
                if name.lower() in hidden and texts:
                    texts = [f"(not shown, {side})"]
                if texts or change.kind != Kind.CREATE:
                    sides[side][name] = texts
    return sides
