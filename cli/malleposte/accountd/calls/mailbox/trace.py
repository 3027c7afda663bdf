"""Messages of an agent on their way: each with its end, from the index of deliveries on the hosts of mail."""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Iterator, Sequence

from msgspec import structs

from malleposte.accountd import own
from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, reached
from malleposte.accountd.message import Done, Message, Owned, Text, fitting
from malleposte.accounts.mailbox.hours import calendar
from malleposte.core.loops import named
from malleposte.deliveries import digests
from malleposte.deliveries.model import Message as Delivery
from malleposte.deliveries.model import Query, State, Verdict
from malleposte.platform.mailstore import SEALED_ROOT, WAITING
from malleposte.platform.times import iso
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
DAYS = 30
"""Days that are looked through."""
MOST = 40
"""Messages in an answer."""
IN, OUT = "in", "out"
SEALED = "sealed"
"""The state of a message that lies where no program reads it: its folder is nobody's matter."""
_ADDRESS = re.compile(r"[^\s<>@()\[\],;:]+@[^\s<>@()\[\],;:]+")


class TracedMessage(Message, frozen=True):
    """A message of an agent and its end. Times as ISO 8601: of the message, and of its end.

    `way` is `in` or `out`, `other` the address at the other end. `state` is one of `deliveries.model.State`, or
    `SEALED`; `folder` is that of the agent's own box, `reason` a word of `RefusedMail`, `answer` the words of a server,
    `passed_on` the addresses to which a filter of the box passed it. `comes` is when a message that waited for the
    agent's hours goes, or went, to the inbox, by the hours of today; empty where they do not say.
    """

    time: str
    way: str
    other: str
    state: str
    at: str = ""
    folder: str = ""
    reason: str = ""
    answer: str = ""
    passed_on: str = ""
    comes: str = ""


class MessagesTraced(Done, frozen=True):
    """Messages, the latest first; `more`: and others. `since` (ISO 8601): the index knows of none before.

    `looked`: every host answered, and each had room for all messages.
    """

    traced: tuple[TracedMessage, ...] = ()
    more: bool = False
    since: str = ""
    looked: bool = False


class TraceMessages(Owned[MessagesTraced], frozen=True):
    """Say what became of messages of the last days to the agent, and of those that the agent sent.

    `sender` is an address, or a domain; `word` has words of the subject. Empty for any.
    """

    sender: Text = ""
    word: Text = ""


@call(cost=costs.LOOK, slow=True)
def trace_messages(context: Context, request: TraceMessages) -> MessagesTraced:
    """Ask the hosts of mail."""
    holder = context.owner(request.uid)
    answer = traced(context, query(context, holder.uid, request.sender, request.word), holder.uid)
    return structs.replace(answer, uid=holder.uid, before=holder.state.value)


def query(context: Context, uid: str, sender: str, word: str) -> Query:
    """Return the question about an agent's messages. Raises RefusedValueError for words that no index has."""
    if word.strip() and not digests.words(word):
        raise RefusedValueError(f"a word of a subject has {digests.SHORTEST} letters at least")
    sender = sender.strip().lower()
    if sender and "@" not in sender and "." in sender:
        sender = f"@{sender}"
    since = int((context.now - datetime.timedelta(days=DAYS)).timestamp())
    return Query(since=since, about=uid, sender=sender, word=word, most=MOST).checked()


def traced(context: Context, asked: Query, uid: str, *, masked: bool = False) -> MessagesTraced:
    """Return the messages of an agent. `masked`: addresses of others are shown to those alone who know them already.

    Raises DirectoryError where no host answers.
    """
    with reached(what="the index of deliveries"):
        answer, failures = context.tools.hosts.trace(asked)
    for one in failures:
        LOG.error("an index of deliveries could not be asked: %s", one)
    rows = [row for message in answer.messages for row in _rows(message.shown_to(uid), uid)]
    if any(row.folder == WAITING for row in rows):
        rows = list(_coming(context, uid, rows))
    if masked:
        rows = [_masked(row, asked.sender) for row in rows]
    shown = fitting(rows[:MOST])
    return MessagesTraced(
        traced=shown, more=answer.more or len(shown) < len(rows), since=iso(answer.since) if answer.since else "",
        looked=not (failures or answer.left_out),
    )  # fmt: skip


def _rows(message: Delivery, uid: str) -> Iterator[TracedMessage]:
    """The message for each recipient that the agent may know of."""
    reason = "" if message.verdict is Verdict.CLEAN else message.reason
    for one in message.recipients:
        received = one.account == uid
        sealed = one.folder.startswith(SEALED_ROOT)
        passed_on = one.detail if one.state in (State.FILED, State.REDIRECTED) else ""
        yield TracedMessage(
            iso(message.time), IN if received else OUT,
            (message.author or message.sender) if received else one.address,
            SEALED if sealed else one.state.value, iso(one.time or message.time), "" if sealed else one.folder, reason,
            "" if passed_on or one.detail == reason else one.detail, passed_on,
        )  # fmt: skip


def _coming(context: Context, uid: str, rows: Sequence[TracedMessage]) -> Iterator[TracedMessage]:
    """The rows, with the moment at which what waits comes to the inbox; as they are where the hours cannot be read."""
    hours = None
    with named(lambda line: LOG.error("%s", line), f"hours of {uid}"):
        hours = context.tools.hosts.hours(uid).hours
    for row in rows:
        filed = datetime.datetime.fromisoformat(row.at).astimezone().replace(tzinfo=None)
        comes = calendar.following(hours, filed) if hours and row.folder == WAITING else None
        yield structs.replace(row, comes=comes.astimezone().isoformat()) if comes and comes > filed else row


def _masked(row: TracedMessage, asked: str) -> TracedMessage:
    """The row for somebody else, who knows an address or a domain already."""
    other = row.other
    if other != asked and not (asked.startswith("@") and other.endswith(asked)):
        other = own.masked(other)
    passed_on = ", ".join(map(own.masked_forward, row.passed_on.split(", "))) if row.passed_on else ""
    answer = _ADDRESS.sub(lambda match: own.masked(match[0]), row.answer)
    return structs.replace(row, other=other, passed_on=passed_on, answer=answer)
