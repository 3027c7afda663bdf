"""« Mes envois »: messages that an agent laid into « À envoyer », on the host of the mailbox."""

from __future__ import annotations

import datetime

import msgspec

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, reached
from malleposte.accountd.message import Done, Message, Owned, Text, fitting
from malleposte.accounts.mailbox.later.model import Choice, Shown, Waiting
from malleposte.throttle import costs

APART = "later"
"""These calls on an account wait for each other alone."""


class LaterMessage(Message, frozen=True):
    """A message in a folder of « À envoyer ».

    `due`: when it goes (ISO 8601). `reason`: a word for why it does not go by itself, and the mail server's own words
    in `detail`. Without an `ident` nobody gave an order.
    """

    folder: str
    subject: str = ""
    ident: str = ""
    due: str = ""
    reason: str = ""
    detail: str = ""


class AgentLater(Done, frozen=True):
    """The choice of an agent, and what waits. `more`: there are messages that had no room in the answer."""

    on: bool = False
    messages: tuple[LaterMessage, ...] = ()
    more: bool = False


class ShowLater(Owned[AgentLater], frozen=True):
    """Show what waits to be sent."""


class SetLater(Owned[AgentLater], frozen=True):
    """Turn it on or off."""

    on: bool


class DecideLater(Owned[AgentLater], frozen=True):
    """Send a message that waits now, or not at all: then it lies in « Brouillons »."""

    ident: Text
    send: bool


@call(cost=costs.LOOK)
def show_later(context: Context, request: ShowLater) -> AgentLater:
    """Read it on the host of the mailbox."""
    holder = context.owner(request.uid)
    with reached():
        return _answer(holder.uid, holder.state.value, context.tools.hosts.later(holder.uid))


@call()
def set_later(context: Context, request: SetLater) -> AgentLater:
    """Change it there; the journal has each change."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, APART), reached():
        shown = context.tools.hosts.later(holder.uid)
        if request.on != shown.choice.on:
            shown = context.tools.hosts.set_later(holder.uid, Choice(request.on))
            context.journal.write("later", holder.uid, note=f"envoi différé {'en service' if request.on else 'arrêté'}")
    return _answer(holder.uid, holder.state.value, shown)


@call()
def decide_later(context: Context, request: DecideLater) -> AgentLater:
    """Have the host of the mailbox do it."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, APART):
        with reached():
            shown = context.tools.hosts.later(holder.uid)
        subject = next((one.subject for one in shown.messages if one.id and one.id == request.ident), None)
        if subject is None:
            raise RefusedValueError("there is no such message any more")
        with reached():
            shown = context.tools.hosts.decide_later(holder.uid, request.ident, request.send)
        done = "envoyé sans attendre" if request.send else "envoi annulé"
        context.journal.write("later", holder.uid, note=f"{done}\N{NO-BREAK SPACE}: {subject or 'sans objet'}")
    return _answer(holder.uid, holder.state.value, shown)


def _answer(uid: str, before: str, shown: Shown) -> AgentLater:
    rows = [_message_of(one) for one in shown.messages]
    fit = fitting(rows)
    return AgentLater(uid, before, on=shown.choice.on, messages=fit, more=len(fit) < len(rows))


def _message_of(one: Waiting) -> LaterMessage:
    due = datetime.datetime.fromtimestamp(one.due, datetime.UTC).astimezone().isoformat(timespec="seconds")
    fields = msgspec.structs.asdict(one)
    return LaterMessage(**(fields | {"ident": fields.pop("id"), "due": due if one.id else ""}))
