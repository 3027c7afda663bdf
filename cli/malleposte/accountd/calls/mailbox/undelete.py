"""Messages that an agent deleted for good: found by sender, subject and time, and brought back."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, reached
from malleposte.accountd.message import Count, Done, Message, Owned, Text, Texts, fitting
from malleposte.accounts.mailbox import deleted
from malleposte.core.errors import InputError
from malleposte.throttle import costs

LONGEST = 120
"""Characters of a sender or a subject in an answer, and of one that is looked for."""


class DeletedMessage(Message, frozen=True):
    """A message that was deleted for good, and when (ISO 8601). `folder` is the one that it comes back to."""

    ident: str
    folder: str
    sender: str
    subject: str
    time: str


class DeletedMessages(Done, frozen=True):
    """Messages that can be brought back, the latest first; `more`: and others."""

    deleted: tuple[DeletedMessage, ...] = ()
    more: bool = False


class Restored(Done, frozen=True):
    """The number of messages that came back."""

    many: int = 0


class FindDeleted(Owned[DeletedMessages], frozen=True):
    """List the messages that an agent deleted for good.

    `sender` and `subject` are parts of them, `days` those since the deletion; empty and 0 for any.
    """

    sender: Text = ""
    subject: Text = ""
    days: Count = 0


class Undelete(Owned[Restored], frozen=True):
    """Bring such messages back, each by its identifier, all or none of a folder."""

    messages: Texts


@call(cost=costs.LOOK, slow=True)
def find_deleted(context: Context, request: FindDeleted) -> DeletedMessages:
    """Look for them on the host of the mailbox."""
    holder = context.owner(request.uid)
    sender, subject = request.sender[:LONGEST].strip(), request.subject[:LONGEST].strip()
    with reached():
        messages = context.tools.hosts.deleted(holder.uid, deleted.Wanted(sender, subject, max(request.days, 0)))
    shown, more = shortened(messages)
    return DeletedMessages(holder.uid, holder.state.value, deleted=shown, more=more)


@call(slow=True)
def undelete(context: Context, request: Undelete) -> Restored:
    """Bring them back there."""
    holder = context.owner(request.uid)
    if not request.messages:
        raise InputError("no message is named")
    with reached((OSError,)):  # the host's own words tell of messages that are there no more
        restored = context.tools.hosts.undelete(holder.uid, request.messages)
    if restored:
        context.journal.write("undelete", holder.uid, folders=dict(restored))
    return Restored(holder.uid, holder.state.value, many=sum(restored.values()))


def shortened(messages: Sequence[deleted.Deleted]) -> tuple[tuple[DeletedMessage, ...], bool]:
    """Return the first messages, as many as an answer has room for, and whether there are others."""
    shown = fitting(
        DeletedMessage(one.ident, deleted.target(one.folder), line(one.sender), line(one.subject), moment(one.deleted))
        for one in messages
    )
    return shown, len(shown) < len(messages)


def line(text: str) -> str:
    """A sender or a subject on one line, cut to the length that an answer has."""
    return " ".join(text.split())[:LONGEST]


def moment(text: str) -> str:
    """A time of Dovecot's, which is in the zone of the platform's hosts, as ISO 8601; as it is where it is none."""
    try:
        return datetime.datetime.fromisoformat(text).astimezone().isoformat(timespec="seconds")
    except ValueError:
        return text
