"""« Quarantaine »: messages that the filter kept apart, found by their owner and released."""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.accountd.call import call
from malleposte.accountd.calls.mailbox.undelete import line, moment
from malleposte.accountd.context import Context, reached
from malleposte.accountd.message import Done, Message, Owned, Texts, fitting
from malleposte.accounts.mailbox.quarantine import Held
from malleposte.core.errors import InputError
from malleposte.throttle import costs

PLACE = "quarantine"


class HeldMessage(Message, frozen=True):
    """A message that was kept apart, when (ISO 8601), and why: words of `accounts.mailbox.quarantine.REASONS`."""

    ident: str
    sender: str
    subject: str
    time: str
    reasons: tuple[str, ...] = ()


class HeldMessages(Done, frozen=True):
    """Messages that can be released, the latest first; `more`: and others."""

    held: tuple[HeldMessage, ...] = ()
    more: bool = False


class Released(Done, frozen=True):
    """The number of messages that came to the inbox."""

    many: int = 0


class ShowQuarantine(Owned[HeldMessages], frozen=True):
    """List the messages in the quarantine of an agent."""


class Release(Owned[Released], frozen=True):
    """Release such messages to the inbox, each by its identifier, all or none."""

    messages: Texts


@call(cost=costs.LOOK, slow=True)
def show_quarantine(context: Context, request: ShowQuarantine) -> HeldMessages:
    """Look for them on the host of the mailbox."""
    holder = context.owner(request.uid)
    with reached():
        messages = context.tools.hosts.kept_apart(holder.uid, PLACE)
    first_messages, more = shown(messages)
    return HeldMessages(holder.uid, holder.state.value, held=first_messages, more=more)


@call(slow=True)
def release(context: Context, request: Release) -> Released:
    """Release them there."""
    holder = context.owner(request.uid)
    if not request.messages:
        raise InputError("no message is named")
    with reached((OSError,)):  # the host's own words tell of messages that are there no more
        many = context.tools.hosts.release(holder.uid, PLACE, request.messages)
    context.journal.write("release", holder.uid, messages=many)
    return Released(holder.uid, holder.state.value, many=many)


def shown(messages: Sequence[Held]) -> tuple[tuple[HeldMessage, ...], bool]:
    """Return the first messages, as many as an answer has room for, and whether there are others."""
    first_messages = fitting(
        HeldMessage(one.ident, line(one.sender), line(one.subject), moment(one.saved), one.reasons) for one in messages
    )
    return first_messages, len(first_messages) < len(messages)
