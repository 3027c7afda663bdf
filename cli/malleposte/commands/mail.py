"""`malleposte mail`: on the controller it runs itself on the directory's host, which asks the hosts of mail."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from malleposte.accounts.retraction import likeness
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.output import failed
from malleposte.commands.away import HostCommand
from malleposte.commands.mail_options import DAYS, query_of, selection, since_of
from malleposte.commands.mail_retract import retract_command, retractions_command, undo_command
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode
from malleposte.deliveries.likeness import COMPARED
from malleposte.deliveries.model import Answer, Likeness, Message, Recipient, State, Verdict
from malleposte.platform.times import local

_STATES = {
    State.WAITING: "is in the queue",
    State.FILED: "arrived",
    State.LEFT: "was taken by the next server: {detail}",
    State.DEFERRED: "waits, the next server does not take it yet: {detail}",
    State.BOUNCED: "could not be delivered, its sender was told: {detail}",
    State.REFUSED: "was refused: {detail}",
    State.LATER: "was put off, an honest server tries again: {detail}",
    State.HELD: "is held in the queue: malleposte queue held",
    State.REDIRECTED: "was passed on by a filter of the box to {detail}",
    State.DISCARDED: "was thrown away by a filter of the box",
    State.RETRACTED: "was taken back from the box: malleposte mail retractions",
}
_REASONS = {
    "virus": "a virus",
    "attachment": "an attachment of a refused type",
    "forged": "a forged sender",
    "many": "too many recipients of its sender",
    "structure": "its structure",
    "dmarc": "the DMARC policy of its author's domain",
    "wave": "a wave that was taken back",
    "spam": "its score",
}


@click.group("mail")
def command() -> None:
    """Find out what became of messages, and take one back from all boxes.

    The hosts of mail keep an index of deliveries for some days (the fact malleposte_deliveries). On the controller
    these commands run over ssh on the directory's host.

    \b
    Example:
      sudo ./malleposte mail trace --from news@example.org --to mdupond
      sudo ./malleposte mail retract --link phishing.example --reason "hameçonnage MGEN"
    """


@command.command(
    "trace",
    cls=HostCommand,
    epilog="Exit codes: 0 done, 1 failure or nothing was found, 2 bad input, 4 a host of mail does not answer.",
)
@selection
@DAYS
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@AS_JSON
def trace_command(
    sender: str, recipient: str, word: str, message_id: str, link: str, queue: str, like: str, days: int, limit: int,
    as_json: bool,
) -> int:  # fmt: skip
    """Print what became of messages, recipient by recipient.

    Everything that is given must be true of a message. Words of the subject are compared without accents and capitals.
    What is not there did not reach a host of mail within these days, or before the first day of the index, which is
    printed.

    With --like each message says how alike its text is, of 32: from 16 on it is printed.

    \b
    Example:
      sudo ./malleposte mail trace --from news@example.org --to mdupond
      sudo ./malleposte mail trace --subject "convocation jury" --days 3
      sudo ./malleposte mail trace --link phishing.example --json
      sudo ./malleposte mail trace --like 4dLpz91CxGz9rxQ
    """
    with host() as (tools, _rules, _settings, _uid):
        texts, failures = likeness.of(tools.hosts, like, since_of(days)) if like else (Likeness(), [])
        query = query_of(tools.directory, sender, recipient, word, message_id, link, queue, days, limit, texts)
        traced, more = tools.hosts.trace(query)
        failures = list(dict.fromkeys((*failures, *more)))
    answer(msgspec.to_builtins(traced) | {"failures": list(map(str, failures))}, printed(traced, days), as_json=as_json)
    code = failed("trace", failures, "not asked")
    return code if failures or traced.messages else ExitCode.FAILURE


def printed(traced: Answer, days: int) -> Iterator[str]:
    """Return the lines of an answer for a person."""
    for message in traced.messages:
        yield from lines(message)
    more = ", and others: narrow it down" if traced.more else ""
    yield f"{len(traced.messages)} messages{more} of the last {days} days"
    if traced.since:
        yield f"the index begins on {local(traced.since)}"
    if traced.left_out:
        yield f"{traced.left_out} messages of these days are not in the index: more came than it has room for"


def lines(message: Message) -> Iterator[str]:
    """Return the lines of a message."""
    moment = local(message.time)
    author = f" (From {message.author})" if message.author not in ("", message.sender) else ""
    alike = f"  {message.alike} of {COMPARED} alike" if message.alike else ""
    yield f"{moment}  {message.sender or '<>'}{author}  <{message.message_id or '-'}>  {message.queue or '-'}{alike}"
    for one in message.recipients:
        yield f"    {one.address} {words(message, one)}"


def words(message: Message, one: Recipient) -> str:
    """Return what became of a message for a recipient."""
    text = _STATES[one.state].format(detail=_REASONS.get(one.detail, one.detail) or "-")
    if one.state is State.FILED:
        text += f" in {one.folder or 'the box'} of {one.account}"
        text += f", and was passed on by a filter to {one.detail}" if one.detail else ""
        if message.verdict in (Verdict.JUNK, Verdict.QUARANTINE):
            text += f", judged as {message.verdict} for {_REASONS.get(message.reason, message.reason)}"
    moment = local(one.time).split(" ", 1)[1] if one.time else ""
    return f"{text} ({moment})" if moment else text


for one in (retract_command, undo_command, retractions_command):
    command.add_command(one)
