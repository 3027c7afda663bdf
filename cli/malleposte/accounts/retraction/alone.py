"""The retractions that one person of the DSI may not decide alone."""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.accounts.retraction.model import Retraction

DAY = 86_400
INSIDE, MANY = "inside", "many"
"""Reasons for a second person: an author is an agent of ours; too many boxes in a day."""


def why_two(one: Retraction, others: Iterable[Retraction], most: int, uid: str, now: float) -> str:
    """Return a word for why a person may not decide a retraction alone; empty where they may.

    `most`: boxes that one person may empty in a day, those of `others` included that the person decided alone within
    a day, whether that is carried out already or not.
    """
    if any(message.account for message in one.messages):
        return INSIDE
    before = sum(
        len(other.holders) for other in others
        if other.ident != one.ident and (other.decided or other.time) > now - DAY
        and other.agreement is not None and other.agreement.complete and other.agreement.persons == (uid,)
    )  # fmt: skip
    return MANY if before + len(one.holders) > most else ""
