"""« Rappeler plus tard »: folders from which a message comes back to the inbox, each at its own time.

The time follows from the day on which a message was filed there, so nothing is kept of it. Moments bear no offset, as
in `calendar`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from malleposte.accounts.mailbox.hours.calendar import DAY
from malleposte.platform.mailstore import RECALL

MORNING = datetime.time(8)
WEEK = 7


@dataclass(frozen=True)
class Recall:
    """A folder, and when its messages come back: at 8:00, so many days after the day of filing, or on a weekday."""

    name: str
    days: int = 0
    weekday: int = 0

    @property
    def folder(self) -> str:
        """The folder as Dovecot names it."""
        return f"{RECALL}/{self.name}"

    def moment(self, filed: datetime.datetime) -> datetime.datetime:
        """Return when a message comes back that was filed then."""
        days = self.days or (self.weekday - filed.isoweekday()) % WEEK
        day = filed.date() + days * DAY
        if not self.days and days == 0 and filed.time() >= MORNING:
            day += WEEK * DAY
        return datetime.datetime.combine(day, MORNING)

    def before(self, now: datetime.datetime) -> datetime.datetime:
        """The moment before which a message was filed that is back by now."""
        morning = now.date() if now.time() >= MORNING else now.date() - DAY
        if self.days:
            return datetime.datetime.combine(morning - (self.days - 1) * DAY, datetime.time())
        return datetime.datetime.combine(morning - (morning.isoweekday() - self.weekday) % WEEK * DAY, MORNING)


RECALLS = (Recall("Demain 8 h", days=1), Recall("Lundi 8 h", weekday=1), Recall("Dans une semaine", days=WEEK))
"""The folders that an agent gets."""


def following(now: datetime.datetime) -> datetime.datetime:
    """The next moment at which messages may come back."""
    day = now.date() if now.time() < MORNING else now.date() + DAY
    return datetime.datetime.combine(day, MORNING)


def folders() -> Iterator[str]:
    """Their names, as Dovecot has them."""
    return (one.folder for one in RECALLS)
