"""A file against what was sent: new invitations, changes, those to call off, and what is to be known of each agent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

from malleposte.accounts.convocations.model import MOST, Convocation, Invitee, Note, Person, Plan, Refusal, Row, Stage
from malleposte.accounts.convocations.people import Contact, People, suspended
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State, first

OUTSIDE, PENDING, BLOCKED, EXPIRED, ABSENT, MOVED, SUBSTITUTE, UNKNOWN = (
    "outside", "pending", "blocked", "expired", "absent", "moved", "substitute", "unknown",
)  # fmt: skip
NOTES = {
    OUTSIDE: "is outside: gets the letter, and no entry in an agenda of ours",
    PENDING: "has not activated the account: reads nothing until then",
    BLOCKED: "is blocked: reads nothing, or sends nothing, for the time being",
    EXPIRED: "has a password past its end: reads nothing until it is renewed",
    ABSENT: "announces an absence",
    MOVED: "has another address now",
    SUBSTITUTE: "is no substitute who can be called",
    UNKNOWN: "could not be asked for an absence",
}
"""The words of notes, for an operator."""
_STATES = {State.PENDING: PENDING, State.BLOCKED: BLOCKED, State.EXPIRED: EXPIRED}
Absent = Callable[[str], bool]
"""Whether an agent (uid) announces an absence. Raises MallepostError or OSError where that cannot be asked."""


def build(
    one: Convocation, rows: Sequence[Row], refused: Iterable[Refusal], people: People, absent: Absent, now: float
) -> Plan:
    """Compare rows with the invitations of a convocation. Raises InputError where there are too many."""
    if len(rows) > MOST:
        raise InputError(
            f"{len(rows)} rows, {MOST} at most", "make several files of it", french=f"{MOST} lignes au plus"
        )
    plan = Plan(refused=list(refused))
    keys = set[str]()
    for row in rows:
        try:
            invitee = _invitee(row, people, plan, now)
            if invitee.key in keys:
                raise InputError(
                    "the agent is in the file already", "a column Référence tells the rows of one agent apart",
                    french="cet agent est déjà dans le fichier (une colonne Référence distingue ses lignes)",
                )  # fmt: skip
        except InputError as error:
            plan.refused.append(Refusal(row.line, str(error), error.french or str(error)))
            continue
        keys.add(invitee.key)
        plan.notes += _notes(row, people.find(row.who), absent)
        current = one.find(invitee.key)
        if current is None:
            plan.new.append(invitee)
        elif current.off or (current.event, current.substitutes) != (invitee.event, invitee.substitutes):
            plan.changed.append(invitee)
        else:
            plan.same += 1
    plan.refused.sort(key=lambda refusal: refusal.line)
    plan.off = [
        current.key for current in one.called
        if _principal(one, current).key not in keys and current.event.ends.timestamp() > now
    ]  # fmt: skip
    if len(one.invitees) + len(plan.new) > MOST:
        raise InputError(
            f"more than {MOST} invitations", "make another convocation", french=f"{MOST} convoqués au plus"
        )
    return plan


def rows_of(one: Convocation) -> list[Row]:
    """Return the rows that a convocation stands for: its invitations, and what the portal's page adds."""
    standing = [
        Row(
            0, invitee.person.uid or invitee.person.address, invitee.event,
            tuple(other.uid or other.address for other in invitee.substitutes), invitee.key.partition("#")[2],
        )
        for invitee in one.called if not invitee.instead_of
    ]  # fmt: skip
    # A row that the page adds stands in place of the one before it.
    return list({(row.who.lower(), row.reference): row for row in (*standing, *one.rows)}.values())


def apply(one: Convocation, plan: Plan) -> None:
    """Make the changes of a plan. Done twice it ends in the same place."""
    for new in plan.new:
        if one.find(new.key) is None:
            one.invitees.append(new)
    for change in plan.changed:
        invitee = one.find(change.key)
        if invitee is None:
            continue
        invitee.substitutes = change.substitutes
        if invitee.off or invitee.event != change.event:
            invitee.change(change.event)
            for other in one.called:
                # The substitute comes at the new hours too.
                if _principal(one, other) is invitee and other.event != change.event:
                    other.change(change.event)
    for key in plan.off:
        invitee = one.find(key)
        if invitee is not None and not invitee.off:
            invitee.call_off()
    if one.stage is Stage.DRAFT:
        one.stage = Stage.OPEN


def call_off(one: Convocation, now: float) -> None:
    """Call all of it off that is not over."""
    for invitee in one.called:
        if invitee.event.ends.timestamp() > now:
            invitee.call_off()
    one.stage = Stage.OFF


def stand_in(one: Convocation, invitee: Invitee, now: float) -> Invitee | None:
    """Call the next substitute of an agent who said no; None where there is none, or it is too late."""
    if invitee.called or invitee.off or invitee.event.starts.timestamp() <= now:
        return None
    reference = invitee.key.partition("#")[2]
    for number, person in enumerate(invitee.substitutes):
        key = key_of(person, reference)
        if one.find(key) is None:
            left = invitee.substitutes[number + 1 :]
            new = Invitee(key, token(), person, invitee.event, left, instead_of=invitee.key)
            one.invitees.append(new)
            invitee.called = key
            return new
    return None


def key_of(person: Person, reference: str = "") -> str:
    """Return the key of an invitation."""
    return (person.uid or person.address) + (f"#{reference}" if reference else "")


def token() -> str:
    """Return a word that nobody guesses."""
    return secrets.token_hex(12)


def _principal(one: Convocation, invitee: Invitee) -> Invitee:
    """Return the agent of the file for whom a substitute came, whoever stood between; the agent of a row itself."""
    seen = {invitee.key}
    while (before := one.find(invitee.instead_of)) is not None and before.key not in seen:
        seen.add(before.key)
        invitee = before
    return invitee


def _invitee(row: Row, people: People, plan: Plan, now: float) -> Invitee:
    """Raises InputError."""
    principal = people.find(row.who)
    if suspended(principal):
        raise InputError(f"{principal.person.uid} has left", french=f"{principal.person.name} n’a plus de compte")
    if row.event.ends.timestamp() <= now:
        raise InputError("the event is over", french="la date est passée")
    substitutes = tuple(_substitutes(row, principal, people, plan))
    return Invitee(key_of(principal.person, row.reference), token(), principal.person, row.event, substitutes)


def _substitutes(row: Row, principal: Contact, people: People, plan: Plan) -> Iterator[Person]:
    for typed in row.substitutes:
        try:
            other = people.find(typed)
        except InputError as error:
            plan.notes.append(Note(principal.person.name, SUBSTITUTE, error.french or str(error)))
            continue
        if suspended(other) or other.person == principal.person:
            plan.notes.append(Note(principal.person.name, SUBSTITUTE, other.person.name))
        else:
            yield other.person


def _notes(row: Row, agent: Contact, absent: Absent) -> Iterator[Note]:
    person = agent.person
    if agent.entry is None:
        yield Note(person.address, OUTSIDE)
        return
    if word := _STATES.get(State(agent.state)) if agent.state else None:
        yield Note(person.name, word)
    elif first(agent.entry.attributes, "mpBlockedUntil"):
        yield Note(person.name, BLOCKED)
    typed = row.who.lower()
    if "@" in typed and typed != person.address:
        yield Note(person.name, MOVED, person.address)
    if agent.state == State.ACTIVE:
        try:
            if absent(person.uid):
                yield Note(person.name, ABSENT)
        except (MallepostError, OSError) as error:
            yield Note(person.name, UNKNOWN, str(error)[:200])
