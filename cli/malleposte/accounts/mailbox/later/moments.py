"""The hour at which a message of « À envoyer » goes: by its folder, or by a field of its own in « À envoyer » itself.

It is reckoned once, when the order is given, by the clock and the zone of the host, which knows summer time.
"""

from __future__ import annotations

import datetime
import re

from malleposte.accounts.mailbox.hours import calendar
from malleposte.accounts.mailbox.hours.model import Hours, Slot, moment
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import TO_SEND

FIELD = b"x-malleposte-send-at"
"""The field of a message that says the hour: `2026-03-14T08:00`, or `+10` for seconds. It does not leave."""
HOUR, TOMORROW, MONDAY, THEIRS = (
    f"{TO_SEND}/{name}" for name in ("Dans une heure", "Demain 8 h", "Lundi 8 h", "Quand il recevra")
)
FOLDERS = (TO_SEND, HOUR, TOMORROW, MONDAY, THEIRS)
SOON = re.compile(r"\+([1-9][0-9]{0,3})")
FARTHEST = 366 * 86_400.0
"""Seconds until the farthest hour."""
MORNING = datetime.time(8)
WORKING_DAY = Hours(on=True, slots=(Slot((1, 2, 3, 4, 5), "08:00", "18:00"),), holidays=True)
"""The hours of « Quand il recevra »: the same for everybody, so that they say nothing of a recipient. Recipients with
hours of their own get the message in theirs, as they get any other."""


def due(folder: str, now: float, field: str = "") -> float | None:
    """The hour of a message that was laid into a folder at `now` (seconds since 1970); None where there is none.

    `field` is the value of its field `FIELD`, which counts in « À envoyer » itself. Raises InputError.
    """
    here = calendar.here(now)
    if folder == HOUR:
        return now + 3600
    if folder == TOMORROW:
        return calendar.seconds(datetime.datetime.combine(here.date() + calendar.DAY, MORNING))
    if folder == MONDAY:
        monday = datetime.datetime.combine(here.date() + calendar.DAY * (-here.weekday() % 7), MORNING)
        return calendar.seconds(monday if monday > here else monday + 7 * calendar.DAY)
    if folder == THEIRS:
        opens = calendar.following(WORKING_DAY, here)
        return calendar.seconds(opens) if opens and opens > here else now
    if folder != TO_SEND or not field:
        return None
    if seconds := SOON.fullmatch(field):
        return now + int(seconds[1])
    at = calendar.seconds(moment(field))
    if at > now + FARTHEST:
        raise InputError("the hour is more than a year away")
    return max(at, now)
