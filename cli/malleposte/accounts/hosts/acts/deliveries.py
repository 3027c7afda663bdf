"""Mail that the hosts of mail know: their indexes of deliveries, and the archives of lists."""

from __future__ import annotations

from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import Replies, act, first_answer, holding
from malleposte.circulars import ask as archives
from malleposte.circulars.ask import Which
from malleposte.circulars.model import MOST_FOUND, Chunk, Counting, Readers, Shown
from malleposte.circulars.model import Answer as Circulars
from malleposte.circulars.model import Query as CircularQuery
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


def archived_together(replies: Replies[Circulars]) -> tuple[Circulars, list[Failure]]:
    """Return the circulars of all hosts, the newest first, and the hosts that failed."""
    failures = list[Failure]()
    answers = list(replies.noting(failures))
    circulars = sorted((one for answer in answers for one in answer.circulars), key=lambda one: (-one.time, one.ident))
    counting = [one.counting for one in answers if one.counting is not Counting.NOTHING]
    return (
        Circulars(
            tuple(circulars[:MOST_FOUND]),
            len(circulars) > MOST_FOUND or any(one.more for one in answers),
            min((one.oldest for one in answers if one.oldest), default=0),
            tuple(sorted({name for one in answers for name in one.full})),
            counting[0] if counting else Counting.NOTHING,
        ),
        failures,
    )


@act(on=holding(STORE), merge=archived_together, label="archives", accountd=True)
def circulars(host: LocalHost, query: CircularQuery) -> Circulars:
    """Return the circulars of some lists that have all of some words."""
    return archives.find(query, host.circulars_socket)


@act(on=holding(STORE), merge=first_answer, accountd=True)
def circular(host: LocalHost, which: Which) -> Shown | None:
    """Return a circular, and note that an agent opened it where that is counted."""
    return archives.show(which, host.circulars_socket)


@act(on=holding(STORE), merge=first_answer, accountd=True)
def circular_part(host: LocalHost, which: Which) -> Chunk | None:
    """Return bytes of an attachment of a circular, or of its text."""
    return archives.part(which, host.circulars_socket)


@act(on=holding(STORE), merge=first_answer, accountd=True)
def circular_readers(host: LocalHost, which: Which) -> Readers | None:
    """Return who opened a circular, where that is counted."""
    return archives.readers(which, host.circulars_socket)
