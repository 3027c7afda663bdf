"""The mail of an agent that is due in the inbox: one answer for mail that waits and for mail that is recalled.

A folder's mail is due that was filed before a moment. The moment follows from what the agent chose and the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from malleposte.accounts.mailbox.hours import calendar, recall
from malleposte.accounts.mailbox.hours.model import Hours
from malleposte.platform.mailstore import WAITING

SOON, LATER = 60.0, 900.0
"""Seconds until an agent is looked at again: within `SETTLING` after a span began or ended, and else at the latest."""
SETTLING = 300.0


@dataclass(frozen=True)
class Due:
    """The due part of a folder: the messages filed before a second (0: all).

    A message that is `recalled` comes unread and marked.
    """

    folder: str = WAITING
    before: int = 0
    recalled: bool = False


WAITS = Due()
"""All that waits for the agent's hours."""


def due(hours: Hours, now: float) -> Iterator[Due]:
    """The parts of folders that are due (`now` in seconds since 1970)."""
    here = calendar.here(now)
    if (last := calendar.last(hours, here)) is not None:
        # A round takes what comes in its minute with it, many boxes at once.
        whole = calendar.opens(hours, here) or (bool(hours.rounds) and now - _began(hours, here) < SOON)
        yield Due(before=0 if whole else int(calendar.seconds(last)))
    if hours.recall is None:
        return
    for one in recall.RECALLS:
        if hours.recall:
            yield Due(one.folder, int(calendar.seconds(one.before(here))), recalled=True)
        else:  # it was turned off: all of it comes back as it is
            yield Due(one.folder)


def again(hours: Hours, now: float) -> float:
    """Return when to look again, in seconds since 1970."""
    here = calendar.here(now)
    soon = now - _began(hours, here) < SETTLING
    moments = [now + (SOON if soon else LATER), calendar.seconds(calendar.change(hours, here))]
    if hours.recall:
        moments.append(calendar.seconds(recall.following(here)))
    return min(moments)


def _began(hours: Hours, here: datetime) -> float:
    """Return when the span began that holds, or the last one ended; 0 for none."""
    if calendar.opens(hours, here):
        spans = calendar.spans(hours, here.date())
        return max((calendar.seconds(begin) for begin, end in spans if begin <= here < end), default=0.0)
    last = calendar.last(hours, here)
    return calendar.seconds(last) if last else 0.0
