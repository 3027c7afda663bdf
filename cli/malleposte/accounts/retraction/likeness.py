"""The messages to which others are compared: one, by its Message-ID or queue id, or those of a retraction."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from malleposte.accounts.channels import Failure
from malleposte.accounts.retraction import plan, store
from malleposte.core.errors import InputError, MallepostError
from malleposte.deliveries.likeness import first_of
from malleposte.deliveries.model import Likeness, Query
from malleposte.platform import idents


class Texts(Protocol):
    """The part of accounts.hosts that knows the texts of messages."""

    def likeness(self, query: Query) -> tuple[Likeness, list[Failure]]:
        """Return the marks of the texts of a query's messages, and the hosts that failed."""


def reference(word: str, since: int) -> Query:
    """Return the query of one message, by its Message-ID or its queue id."""
    if "@" in word:
        return Query(since=since, message_id=word, most=plan.MOST).checked()
    return Query(since=since, queue=word, most=plan.MOST).checked()


def of(hosts: Texts, word: str, since: int, folder: Path = store.FOLDER) -> tuple[Likeness, list[Failure]]:
    """Return the marks of a message, or of those of a retraction. Raises InputError, MallepostError."""
    queries = [reference(word, since)]
    if idents.is_ident(word):
        groups = plan.distinct(store.load(word, folder).messages)
        queries = [Query(queue=one.queue) for one, *_same in groups[: Likeness.MOST_TEXTS]]
    answers = [hosts.likeness(query) for query in queries]
    whole = first_of(one for one, _failures in answers)
    failures = [failure for _one, several in answers for failure in several]
    if not whole and failures:
        raise MallepostError(f"--like {word}: {failures[0]}", "type it again once that host answers")
    if not whole:
        raise InputError(
            f"--like {word}: no such message is in the index, or it has nothing that can be compared",
            "name it by its Message-ID, its queue id, or the name of a retraction",
        )
    return whole, failures
