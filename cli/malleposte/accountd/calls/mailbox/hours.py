"""« Mes horaires »: the hours in which mail comes to an agent's inbox, kept on the host of the mailbox."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace

from malleposte.accountd.call import call
from malleposte.accountd.calls.mailbox.senders import sender
from malleposte.accountd.context import Context, RefusedValueError, reached
from malleposte.accountd.message import Done, Owned, Text, Texts
from malleposte.accounts.mailbox.hours.model import Change, Hours, State
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import WAITING
from malleposte.throttle import costs

FOLDER = WAITING
"""The folder in which mail waits."""
APART = "hours"
"""These calls on an account wait for each other alone."""


class AgentHours(Done, frozen=True):
    """The hours of an agent. Slots are written `12345 08:00-18:00`, days 1 (Monday) to 7; moments `2026-03-14T08:00`.

    `through`: senders that always come through. `quiet_until`: the end of « Ne pas déranger », which is also told when
    it is over. `waiting`: messages in « Hors horaires »; `opens`: mail that comes now comes to the inbox; `following`:
    otherwise the next time at which what waits moves, empty for none within a year. `school`: mail waits in school
    holidays too; `known`: those that are not over, `2026-12-19/2027-01-03`, the first and the last day. `answer`:
    colleagues whose mail waits are told when the agent reads. `recall`: the folders of « Rappeler plus tard » are in
    use; `recalled`: messages in them.
    """

    on: bool = False
    slots: tuple[str, ...] = ()
    rounds: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    holidays: bool = False
    school: bool = False
    answer: bool = False
    known: tuple[str, ...] = ()
    quiet_until: str = ""
    waiting: int = 0
    opens: bool = True
    following: str = ""
    recall: bool = False
    recalled: int = 0


class ShowHours(Owned[AgentHours], frozen=True):
    """Show the hours in which mail comes to the inbox, and how much waits."""


class SetHours(Owned[AgentHours], frozen=True):
    """Change them; what is null stays as it is.

    `add` and `remove` change the senders that always come through. `quiet_until` begins a « Ne pas déranger » now, and
    ends it when it is empty. `recall` makes the folders of « Rappeler plus tard »; what lies in them comes back at once
    when it is turned off.
    """

    on: bool | None = None
    slots: Texts | None = None
    rounds: Texts | None = None
    holidays: bool | None = None
    school: bool | None = None
    answer: bool | None = None
    add: Texts = ()
    remove: Texts = ()
    quiet_until: Text | None = None
    recall: bool | None = None


@call(cost=costs.LOOK)
def show_hours(context: Context, request: ShowHours) -> AgentHours:
    """Read them on the host of the mailbox."""
    holder = context.owner(request.uid)
    return _answer(holder.uid, holder.state.value, _state(context, holder.uid))


@call()
def set_hours(context: Context, request: SetHours) -> AgentHours:
    """Change them there; the journal has each change."""
    holder = context.owner(request.uid)
    change = Change(
        request.on, request.slots, request.rounds, request.holidays, tuple(map(sender, request.add)), request.remove,
        request.quiet_until, request.recall, request.school, request.answer,
    )  # fmt: skip
    now = context.now.astimezone().replace(tzinfo=None)
    _after(replace(change, on=None, until=None), Hours(), now)  # before the host of the mailbox is asked
    with context.alone(holder.uid, APART):
        state = _state(context, holder.uid)
        after = _after(change, state.hours, now)
        if after != state.hours:
            with reached():
                new = context.tools.hosts.set_hours(holder.uid, change)
            for note in _notes(state.hours, after):
                context.journal.write("hours", holder.uid, note=note)
            state = new
    return _answer(holder.uid, holder.state.value, state)


def _after(change: Change, current: Hours, now: datetime.datetime) -> Hours:
    """Raises RefusedValueError."""
    try:
        return change.to(current, now)
    except InputError as error:
        raise RefusedValueError(error.message) from error


def _state(context: Context, uid: str) -> State:
    with reached():
        return context.tools.hosts.hours(uid)


def _answer(uid: str, before: str, state: State) -> AgentHours:
    hours = state.hours
    return AgentHours(
        uid, before, on=hours.on, slots=tuple(map(str, hours.slots)), rounds=hours.rounds, through=hours.senders,
        holidays=hours.holidays, school=hours.school, answer=hours.answer, known=state.known, quiet_until=hours.until,
        waiting=state.waiting, opens=state.opens, following=state.following, recall=bool(hours.recall),
        recalled=state.recalled,
    )  # fmt: skip


def _times(hours: Hours) -> tuple[object, ...]:
    return hours.slots, hours.rounds, hours.holidays, hours.school


def _notes(before: Hours, after: Hours) -> Iterator[str]:
    """The change in French words, as the journal of its owner shows it."""
    space = "\N{NO-BREAK SPACE}"
    if after.on != before.on:
        yield "horaires en service" if after.on else "horaires arrêtés"
    if _times(after) != _times(before):
        parts = [*map(str, after.slots), *(f"remise à {one}" for one in after.rounds)]
        parts += ["jours fériés au calme"] * after.holidays + ["vacances scolaires au calme"] * after.school
        yield f"plages{space}: {', '.join(parts) or 'aucune'}"
    if after.answer != before.answer:
        yield "réponse automatique aux collègues" if after.answer else "réponse automatique arrêtée"
    if after.recall != before.recall:
        yield "rappel des messages en service" if after.recall else "rappel des messages arrêté"
    if after.until != before.until:
        yield f"ne pas déranger jusqu’au {after.until}" if after.until else "ne pas déranger terminé"
    yield from (f"expéditeur toujours remis{space}: {one}" for one in after.senders if one not in before.senders)
    yield from (
        f"expéditeur qui n’est plus toujours remis{space}: {one}" for one in before.senders if one not in after.senders
    )
