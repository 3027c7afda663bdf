"""The indexes of deliveries on the hosts of mail."""

from __future__ import annotations

from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import Replies, act, holding
from malleposte.deliveries import ask
from malleposte.deliveries.likeness import first_of
from malleposte.deliveries.model import Answer, Likeness, Query


def together(replies: Replies[Answer]) -> tuple[Answer, list[Failure]]:
    """Return the messages of all hosts, newest first, and the hosts that failed."""
    failures = list[Failure]()
    whole = Answer()
    for one in replies.noting(failures):
        messages = sorted((*whole.messages, *one.messages), key=lambda message: -message.time)
        whole = Answer(
            tuple(messages), max(whole.since, one.since), whole.left_out + one.left_out, whole.more or one.more
        )
    return whole, failures


def likenesses(replies: Replies[Likeness]) -> tuple[Likeness, list[Failure]]:
    """Return the marks of all hosts, and the hosts that failed."""
    failures = list[Failure]()
    return first_of(list(replies.noting(failures))), failures


@act(on=holding(STORE), merge=together, accountd=True)
def trace(host: LocalHost, query: Query) -> Answer:
    """Return the messages of a query, and what became of each."""
    return ask.find(query.checked(), host.deliveries_socket)


@act(on=holding(STORE), merge=likenesses)
def likeness(host: LocalHost, query: Query) -> Likeness:
    """Return the marks of the texts of a query's messages."""
    return ask.likeness(query.checked(), host.deliveries_socket)
