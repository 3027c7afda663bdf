"""« Archivage »: what an agent's nights archive, and what they archived, kept on the host of the mailbox."""

from __future__ import annotations

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, reached
from malleposte.accountd.message import Done, Message, Owned, fitting
from malleposte.accounts.mailbox.archiving.model import MONTHS as KNOWN
from malleposte.accounts.mailbox.archiving.model import Choice, State
from malleposte.core.errors import InputError
from malleposte.throttle import costs

MONTHS = KNOWN
"""The ages that can be chosen, in months."""
APART = "archiving"
"""These calls on an account wait for each other alone."""


class InFolder(Message, frozen=True):
    """A folder, with the number of messages that went there."""

    folder: str
    many: int


class ArchivedNight(Message, frozen=True):
    """The work of one night, which can still be undone; `at` (seconds since 1970) names it."""

    at: int
    folders: tuple[InFolder, ...] = ()


class Archiving(Done, frozen=True):
    """The choice of an agent: mail older than so many `months` (0: none), with `done` only what bears the label.

    `label` is the label's name, empty where the platform has none; `nights` are those that can be undone, the latest
    first, as many as an answer has room for.
    """

    months: int = 0
    done: bool = False
    label: str = ""
    nights: tuple[ArchivedNight, ...] = ()


class PutBack(Done, frozen=True):
    """The number of messages that came back to the inbox."""

    many: int = 0


class ShowArchiving(Owned[Archiving], frozen=True):
    """Show what is archived, and what can be undone."""


class SetArchiving(Owned[Archiving], frozen=True):
    """Change what is archived: mail that came so many months ago (0: none) and was read."""

    months: int
    done: bool = False


class UndoArchiving(Owned[PutBack], frozen=True):
    """Put back what a night archived, and archive no more."""

    at: int


@call(cost=costs.LOOK)
def show_archiving(context: Context, request: ShowArchiving) -> Archiving:
    """Read it on the host of the mailbox."""
    holder = context.owner(request.uid)
    with reached():
        return _answer(holder.uid, holder.state.value, context.tools.hosts.archiving(holder.uid))


@call()
def set_archiving(context: Context, request: SetArchiving) -> Archiving:
    """Change it there; the journal has each change."""
    holder = context.owner(request.uid)
    choice = Choice(request.months, request.done)
    try:
        choice.checked()
    except InputError as error:
        raise RefusedValueError(error.message) from error
    with context.alone(holder.uid, APART), reached():
        state = context.tools.hosts.archiving(holder.uid)
        if state.choice != choice:
            state = context.tools.hosts.set_archiving(holder.uid, choice)
            context.journal.write("archiving", holder.uid, note=_note(state))
    return _answer(holder.uid, holder.state.value, state)


@call(slow=True)
def undo_archiving(context: Context, request: UndoArchiving) -> PutBack:
    """Put it back there."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, APART), reached((OSError,)):  # the host's own words tell of what is undone already
        many = context.tools.hosts.undo_archiving(holder.uid, request.at)
    context.journal.write("archiving-undo", holder.uid, messages=many)
    return PutBack(holder.uid, holder.state.value, many=many)


def _answer(uid: str, before: str, state: State) -> Archiving:
    nights = fitting(
        ArchivedNight(at, tuple(InFolder(folder, many) for folder, many in sorted(folders.items())))
        for at, folders in state.moved
    )
    choice = state.choice
    return Archiving(uid, before, months=choice.months, done=choice.done, label=state.label, nights=nights)


def _note(state: State) -> str:
    """The choice in French words, as the journal of its owner shows it."""
    if not state.choice.months:
        return "archivage arrêté"
    only = f", avec l’étiquette « {state.label} »" if state.choice.done else ""
    return f"archivage des messages lus de plus de {state.choice.months} mois{only}"
