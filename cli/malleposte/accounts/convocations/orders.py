"""The portal's part on the directory's host: what an agent and an office are shown, and what they order."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from malleposte.accounts.convocations import plan, store
from malleposte.accounts.convocations.model import (
    DAY,
    Answer,
    Convocation,
    Counts,
    Event,
    Invitee,
    Note,
    Order,
    Refusal,
    Row,
    Stage,
    Way,
)
from malleposte.core.errors import InputError
from malleposte.platform.identity import FORM
from malleposte.platform.times import iso

MOST_OPEN = 100
"""Convocations of an office that are not over. More would be nobody's reading."""
MOST_ROWS = 5000
CSV, PDF = "csv", "pdf"
"""The forms of a report."""
SHOWN = 60
"""Notes and refused rows of a plan that are shown."""


class Office(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The box of an office: its uid, its address, its name."""

    uid: Annotated[str, msgspec.Meta(pattern=f"^{FORM}$")]
    mail: Annotated[str, msgspec.Meta(max_length=320)]
    title: Annotated[str, msgspec.Meta(max_length=200)]


class Mine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A convocation of an agent. `answered` as ISO 8601, empty for none."""

    invitation: str
    office: str
    mail: str
    event: Event
    answer: Answer = Answer.SILENCE
    answered: str = ""
    off: bool = False


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A convocation in a list. `made` as ISO 8601, `first` and `last` the hours of its first and last event."""

    ident: str = ""
    name: str = ""
    by: str = ""
    made: str = ""
    stage: Stage = Stage.DRAFT
    counts: Counts = Counts()
    first: str = ""
    last: str = ""
    planning: bool = False


class PlanShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plan of a convocation: how many of each, the first notes and refused rows, and how many there are."""

    new: int = 0
    changed: int = 0
    off: int = 0
    same: int = 0
    notes: tuple[Note, ...] = ()
    all_notes: int = 0
    refused: tuple[Refusal, ...] = ()
    all_refused: int = 0


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invitation as the office is shown it. `instead_of`: the name of the agent for whom this one came in."""

    key: str
    name: str
    event: Event
    answer: Answer = Answer.SILENCE
    answered: str = ""
    off: bool = False
    sent: bool = False
    failed: bool = False
    instead_of: str = ""


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A convocation whole. `event` is that of its first invitation, or row; `failures` say why there is no plan."""

    summary: Summary = Summary()
    event: Event = Event("", "", "")
    plan: PlanShown | None = None
    lines: tuple[Line, ...] = ()
    failures: tuple[str, ...] = ()


def mine(uid: str, now: float, folder: Path = store.FOLDER) -> list[Mine]:
    """Return the convocations of an agent that are not over, the next one first."""
    several = [
        _mine(one, invitee) for one in store.every(folder, uid) if one.stage is not Stage.DRAFT and not one.shared
        for invitee in one.invitees if invitee.person.uid == uid and _shown_to_agent(invitee, now)
    ]  # fmt: skip
    return sorted(several, key=lambda each: (each.event.begin, each.invitation))


def answer(uid: str, invitation: str, yes: bool, now: float, folder: Path = store.FOLDER) -> Mine | None:
    """Note an agent's answer; None where the agent has no such convocation, or it is off or over. Raises OSError.

    An answer to hours that changed since the agent was shown them is none.
    """
    ident = invitation.rpartition("-")[0]
    with store.turn(folder):
        if not store.has(ident, folder):
            return None
        one = store.load(ident, folder)
        mine = (each for each in one.invitees if each.person.uid == uid)
        invitee = next((each for each in mine if _invitation(one, each) == invitation), None)
        if invitee is None or invitee.off or one.stage is Stage.DRAFT or invitee.event.ends.timestamp() <= now:
            return None
        said = Answer.YES if yes else Answer.NO
        if (invitee.answer, invitee.way) != (said, Way.PORTAL):
            invitee.reply(said, Way.PORTAL, int(now))
            store.ask(one, folder)
    return _mine(one, invitee)


def listed(office: str, folder: Path = store.FOLDER) -> list[Summary]:
    """Return the convocations of an office, the newest first."""
    return [summary(one) for one in store.every(folder, office) if one.office == office]


def shown(office: str, ident: str, folder: Path = store.FOLDER) -> Shown | None:
    """Return a convocation of an office; None where it has none of that name."""
    one = _of(office, ident, folder)
    return _shown(one) if one else None


def ask_plan(
    office: Convocation, ident: str, rows: Iterable[Row], event: Event | None, now: datetime.datetime,
    folder: Path = store.FOLDER,
) -> str:  # fmt: skip
    """Have a plan made of further rows; return the identifier, nothing where there are too many convocations.

    `office` is what a new one begins as. `event`: whoever is invited already comes then. Raises InputError, OSError.
    """
    with store.turn(folder):
        if ident:
            existing = _of(office.office, ident, folder)
            if existing is None or existing.stage is Stage.OFF:
                raise InputError(f"no convocation {ident} that can be changed")
            one = existing
        else:
            standing = [
                each for each in store.every(folder, office.office)
                if each.office == office.office and each.stage is not Stage.OFF and each.last > now.timestamp()
            ]  # fmt: skip
            if len(standing) >= MOST_OPEN:
                return ""
            one = office
        standing_rows = plan.rows_of(one) if event else one.rows
        pending = [msgspec.structs.replace(row, event=event or row.event) for row in standing_rows] + list(rows)
        if len(pending) > MOST_ROWS:
            raise InputError(f"{len(pending)} rows, {MOST_ROWS} at most", french=f"{MOST_ROWS} agents au plus")
        one.rows, one.plan, one.planning = pending, None, True
        store.ask(one, folder)
    return one.ident


def give(office: str, ident: str, order: Order, key: str, now: float, folder: Path = store.FOLDER) -> Shown | None:
    """Carry out an order on a convocation, or on one of its agents; None where the office has none of that name.

    What was done already stays as it is: the page shows that. Raises OSError.
    """
    with store.turn(folder):
        one = _of(office, ident, folder)
        if one is None:
            return None
        before = msgspec.json.encode(one)
        if order is Order.SEND and one.plan is not None and not one.planning and one.stage is not Stage.OFF:
            plan.apply(one, one.plan)
            one.rows, one.plan = [], None
        elif order is Order.REMIND and one.stage is Stage.OPEN:
            remind(one, now)
        elif order is Order.CALL_OFF and key:
            invitee = one.find(key)
            if invitee is not None and not invitee.off and invitee.event.ends.timestamp() > now:
                invitee.call_off()
        elif order is Order.CALL_OFF and one.stage is not Stage.OFF:
            plan.call_off(one, now)
            one.rows, one.plan, one.planning = [], None, False
        if msgspec.json.encode(one) != before:
            store.ask(one, folder)
    return _shown(one)


def remind(one: Convocation, now: float, days: Sequence[int] = ()) -> int:
    """Have the silent reminded, each once a day at most; return how many will be.

    `days`: those alone whose event is so many days ahead.
    """
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).astimezone().date()
    silent = [
        invitee for invitee in one.called
        if invitee.answer is Answer.SILENCE and invitee.mailed == invitee.sequence and not invitee.remind
        and max(invitee.reminded, invitee.sent) + DAY <= now < invitee.event.starts.timestamp()
        and (not days or (invitee.event.starts.date() - today).days in days)
    ]  # fmt: skip
    for invitee in silent:
        invitee.remind = True
    return len(silent)


def summary(one: Convocation) -> Summary:
    """Return the line of a convocation."""
    events = sorted(invitee.event.begin for invitee in one.called) or sorted(row.event.begin for row in one.rows)
    return Summary(
        one.ident, one.name, one.by, iso(one.made), one.stage, one.count(), events[0] if events else "",
        events[-1] if events else "", one.planning,
    )  # fmt: skip


def _shown(one: Convocation) -> Shown:
    first = next((invitee.event for invitee in one.called), None) or next((row.event for row in one.rows), None)
    return Shown(summary(one), first or Event("", "", ""), _plan(one), tuple(_lines(one)), tuple(one.failures))


def _plan(one: Convocation) -> PlanShown | None:
    if one.plan is None:
        return None
    proposed = one.plan
    return PlanShown(
        len(proposed.new), len(proposed.changed), len(proposed.off), proposed.same, tuple(proposed.notes[:SHOWN]),
        len(proposed.notes), tuple(proposed.refused[:SHOWN]), len(proposed.refused),
    )  # fmt: skip


def _lines(one: Convocation) -> Iterator[Line]:
    for invitee in sorted(one.invitees, key=lambda each: (each.person.name.casefold(), each.key)):
        before = one.find(invitee.instead_of)
        yield Line(
            invitee.key, invitee.person.name or invitee.person.address, invitee.event, invitee.answer,
            iso(invitee.answered) if invitee.answered else "", invitee.off, invitee.mailed >= invitee.sequence,
            bool(invitee.failure), before.person.name if before else "",
        )  # fmt: skip


def _invitation(one: Convocation, invitee: Invitee) -> str:
    """Return the name of an invitation as it is now; an answer names it."""
    return f"{one.ident}-{invitee.token}.{invitee.sequence}"


def _mine(one: Convocation, invitee: Invitee) -> Mine:
    answered = iso(invitee.answered) if invitee.answered else ""
    return Mine(_invitation(one, invitee), one.title, one.mail, invitee.event, invitee.answer, answered, invitee.off)


def _shown_to_agent(invitee: Invitee, now: float) -> bool:
    """Whether an agent has it on the page: one who was never written to is not told that it is off."""
    return invitee.event.ends.timestamp() > now and not (invitee.off and invitee.mailed < 0)


def _of(office: str, ident: str, folder: Path) -> Convocation | None:
    one = store.load(ident, folder) if store.has(ident, folder) else None
    return one if one is not None and one.office == office else None
