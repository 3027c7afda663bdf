"""The plan of a retraction: which messages, in which boxes, who had read them, and what cannot be reached."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from malleposte.accounts.channels import Failure
from malleposte.accounts.retraction.model import Like, Retraction
from malleposte.core.errors import InputError
from malleposte.deliveries.model import BOUNCES, Answer, Message, Query, Recipient, State
from malleposte.deliveries.retracted import Box, Sign

MOST = 10_000
"""Messages of one retraction."""
DAY = 86_400
SIGNS = 16
"""Messages that a question looks for in a box; of more, the box stands in several."""
_IN_A_BOX = frozenset((State.FILED, State.REDIRECTED, State.DISCARDED))
_IN_THE_QUEUE = frozenset((State.WAITING, State.DEFERRED, State.HELD))


class Traces(Protocol):
    """The part of accounts.hosts that traces."""

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        """Return the messages of a query, and the hosts that failed."""


def fill(hosts: Traces, one: Retraction, query: Query, domain: str) -> None:
    """Note the messages of a query in a retraction, and where they are. `domain` is ours."""
    one.messages, failures = messages(hosts, query)
    complete(one, domain)
    one.failures = [str(failure) for failure in failures]


def follow(hosts: Traces, one: Retraction, domain: str) -> None:
    """Note what became of recipients for whom a message was still in the queue: some boxes have got it since."""
    for number, message in enumerate(one.messages):
        if not any(to.state in _IN_THE_QUEUE for to in message.recipients):
            continue
        answer, _failures = hosts.trace(Query(queue=message.queue, most=MOST))
        now = {to.address: to for again in answer.messages if again.queue == message.queue for to in again.recipients}
        recipients = tuple(now.get(to.address, to) if to.state in _IN_THE_QUEUE else to for to in message.recipients)
        one.messages[number] = msgspec.structs.replace(message, recipients=recipients)
    complete(one, domain)


def messages(hosts: Traces, query: Query) -> tuple[list[Message], list[Failure]]:
    """Return the accepted messages of a query, and those under other queue ids that filters of boxes made of them.

    A redirection is a message of its own with the same Message-ID. Its sender chooses that, and may have chosen the one
    of an honest message: what has another content, or went to others than those filters say, is none.
    """
    answer, failures = hosts.trace(msgspec.structs.replace(query, most=MOST))
    by_ident = {(one.queue, one.message_id): one for one in answer.messages if one.queue and not one.refused}
    passed_on = {one.message_id for one in by_ident.values() if one.message_id and any(map(_passed_on, one.recipients))}
    for message_id in sorted(passed_on):
        again, more = hosts.trace(Query(since=query.since, message_id=message_id, most=MOST))
        failures += more
        originals = [one for one in by_ident.values() if one.message_id == message_id]
        others = [one for one in again.messages if one.queue and not one.refused]
        by_ident |= {(one.queue, one.message_id): one for one in _made_of(originals, others)}
    return sorted(by_ident.values(), key=lambda one: one.time), failures


def _made_of(messages: Sequence[Message], others: Sequence[Message]) -> list[Message]:
    """Return those of other messages with one Message-ID that filters of boxes made of some, and of one another."""
    contents, first = {one.content for one in messages} - {""}, min(one.time for one in messages)
    same = [one for one in others if one.content in contents]
    rest = [one for one in others if one.time >= first and (not one.content or not contents)]
    targets = set[str]()
    while more := _targets((*messages, *same)) - targets:
        targets |= more
        reached = [one for one in rest if {to.address for to in one.recipients} <= targets]
        same += reached
        rest = [one for one in rest if one not in reached]
    return same


def _targets(of: Iterable[Message]) -> set[str]:
    """Return the addresses to which filters of boxes passed messages on."""
    passed = (to.detail for one in of for to in one.recipients if _passed_on(to))
    return {address for detail in passed for address in detail.lower().split(", ")}


def is_ours(host: str, names: Iterable[str]) -> bool:
    """Return whether a host or domain of links is one of `names`, or above one: mail with a link there is everybody's.

    The filter refuses links to all below a domain.
    """
    above = host.strip().lower().strip(".")
    return bool(above) and any(f".{name}".endswith(f".{above}") for name in names)


def distinct(of: Iterable[Message]) -> list[list[Message]]:
    """Return messages by author and content, in their order."""
    groups: dict[tuple[str, str], list[Message]] = {}
    for message in of:
        groups.setdefault((message.author or message.sender, message.content or message.message_id), []).append(message)
    return list(groups.values())


def like(messages: Iterable[Message], apart_from: Iterable[Message]) -> list[Like]:
    """Return what was found without some messages, the likest first."""
    queues = {one.queue for one in apart_from}
    groups = distinct(one for one in messages if one.queue not in queues)
    several = [Like(max(one.alike for one in group), tuple(group)) for group in groups]
    return sorted(several, key=lambda one: (-one.alike, -len(one.messages)))


def add(one: Retraction, numbers: Iterable[int], domain: str) -> None:
    """Add messages that are like it, by their numbers from 1. Raises InputError, with nothing added."""
    chosen = sorted(set(numbers))
    for number in chosen:
        if not 1 <= number <= len(one.like):
            raise InputError(f"{one.ident} has no like messages of number {number}", f"there are {len(one.like)}")
    for number in reversed(chosen):
        one.messages += one.like.pop(number - 1).messages
    complete(one, domain)


def complete(one: Retraction, domain: str) -> None:
    """Note all that follows from the messages of a retraction."""
    one.messages.sort(key=lambda message: message.time)
    one.boxes = boxes(one.messages, domain)
    one.contents = sorted({message.content for message in one.messages if message.content})
    one.out = passed_outside(one.messages, domain)
    one.waiting = waiting(one.messages)


def holders(of: Iterable[Message]) -> int:
    """Return how many boxes of ours got one of these messages."""
    return len({one.account for message in of for one in message.recipients if one.account and one.state in _IN_A_BOX})


def boxes(of: Sequence[Message], domain: str) -> list[Box]:
    """Return the boxes of ours that got a message, each with the signs of what it got. `domain` is ours."""
    signs: dict[str, dict[Sign, None]] = {}
    first = datetime.datetime.fromtimestamp(min((one.time for one in of), default=DAY), datetime.UTC)
    # A day before, whatever the zone of the host that received it.
    since = (first - datetime.timedelta(seconds=DAY)).date().isoformat()
    listed = {one.message_id for one in of if one.message_id and _by_a_list(one, domain)}
    for message in of:
        sign = Sign(message.queue, message.message_id)
        for one in message.recipients:
            if one.account and one.state in _IN_A_BOX:
                signs.setdefault(one.account, {})[sign] = None
    parts = (
        (uid, part)
        for uid, box_signs in sorted(signs.items())
        for part in itertools.batched(box_signs, SIGNS, strict=False)
    )
    return [Box(uid, part, since, tuple(sorted({one.message_id for one in part} & listed))) for uid, part in parts]


def _by_a_list(one: Message, domain: str) -> bool:
    """Return whether a list of ours brought a message, by the envelope's sender, which nobody outside may use."""
    local, _at, where = one.sender.partition("@")
    return local.endswith(f"-{BOUNCES}") and f".{where}".endswith(f".{domain}")


def passed_outside(of: Iterable[Message], domain: str) -> list[tuple[str, str]]:
    """Return the accounts whose filter passed a message on to somebody outside, and the address."""
    pairs = set[tuple[str, str]]()
    for message in of:
        for one in message.recipients:
            if one.account and one.detail:
                pairs |= {(one.account, to) for to in one.detail.split(", ") if not to.endswith(f"@{domain}")}
    return sorted(pairs)


def waiting(of: Iterable[Message]) -> list[str]:
    """Return the recipients for whom a message is still in the queue."""
    return sorted({one.address for message in of for one in message.recipients if one.state in _IN_THE_QUEUE})


def _passed_on(one: Recipient) -> bool:
    return one.state is State.REDIRECTED or (one.state is State.FILED and bool(one.detail))
