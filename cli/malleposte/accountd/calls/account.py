"""An account as its owner sees it: its state, what was done to it, and what may be wrong with it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from malleposte.accountd import own
from malleposte.accountd.call import call
from malleposte.accountd.context import Context
from malleposte.accountd.message import Done, Message, Owned, fitting
from malleposte.accounts.disclosure import lines
from malleposte.accounts.mailbox.tools.model import State
from malleposte.core.errors import MallepostError
from malleposte.throttle import costs

TOLD = "message signalé à un outil"


class Line(Message, frozen=True):
    """A line of the journal: time (ISO 8601), the act in French words, by whom, the reason, the name of a device.

    `by` is `portal`, `desk` (the help desk) or `operators`; `changed` are the facts
    that the act changed, joined: see `facts`.
    """

    time: str
    act: str
    by: str
    note: str = ""
    name: str = ""
    changed: str = ""

    @property
    def facts(self) -> list[str]:
        """The facts that the act changed, in French words."""
        return self.changed.split(lines.BETWEEN) if self.changed else []


class AccountShown(Done, frozen=True):
    """The account."""

    account: own.Account = msgspec.field(default_factory=own.Account)


class JournalShown(Done, frozen=True):
    """The acts on it, newest first."""

    journal: tuple[Line, ...] = ()


class Diagnosed(AccountShown, frozen=True):
    """The account, and what may be wrong with it."""

    diagnosis: own.Diagnosis = msgspec.field(default_factory=own.Diagnosis)


class ShowAccount(Owned[AccountShown], frozen=True):
    """Show an account to its owner."""


class ShowJournal(Owned[JournalShown], frozen=True):
    """Show what was done to an account."""


class Diagnose(Owned[Diagnosed], frozen=True):
    """Tell an account's owner what may be wrong with it."""


@call(cost=costs.LOOK)
def show_account(context: Context, request: ShowAccount) -> AccountShown:
    """Summarise it."""
    holder = context.owner(request.uid)
    return AccountShown(holder.uid, holder.state.value, account=own.read(context, holder.uid))


@call(cost=costs.LOOK)
def show_journal(context: Context, request: ShowJournal) -> JournalShown:
    """Read accountd's own journal, the operators' on its host, and the messages that tools were told of."""
    holder = context.owner(request.uid)
    rows = [
        *lines.of([context.tools.journal], holder.uid),
        *(lines.Line(*one) for one in context.tools.hosts.journal(holder.uid)),
        *_tool_lines(context, holder.uid),
    ]
    return JournalShown(holder.uid, holder.state.value, journal=fitting(Line(*one) for one in lines.newest(rows)))


def _tool_lines(context: Context, uid: str) -> Iterator[lines.Line]:
    """Yield what tools were told, as the host of the mailbox knows it; one line says that it does not answer."""
    try:
        sent = context.tools.hosts.tools(uid).sent
    except (MallepostError, OSError):
        yield lines.Line(context.now.isoformat(timespec="seconds"), TOLD, "portal", "liste indisponible pour l’instant")
        return
    for one in sent:
        if one.state == State.TOLD:
            at = datetime.datetime.fromtimestamp(one.at, datetime.UTC).isoformat(timespec="milliseconds")
            yield lines.Line(at, TOLD, "portal", f"{one.tool}, «\N{NO-BREAK SPACE}{one.title}\N{NO-BREAK SPACE}»")


@call(cost=costs.LOOK)
def diagnose(context: Context, request: Diagnose) -> Diagnosed:
    """Say what was recorded of late."""
    holder = context.owner(request.uid)
    account = own.read(context, holder.uid)
    diagnosis = own.diagnosed(context, holder.uid, account)
    return Diagnosed(holder.uid, holder.state.value, account=account, diagnosis=diagnosis)
