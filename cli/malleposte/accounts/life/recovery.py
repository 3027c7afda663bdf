"""The means of recovery, and when they are not to be believed: a thief changes them first."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from malleposte.accounts.life.base import one, when
from malleposte.directory.model import State
from malleposte.directory.protocol import Entry

DOUBT_DAYS = 30.0


@dataclass(frozen=True)
class Recovery:
    """Where a code may be sent. `ignored`: there are means, but they changed too short a time before."""

    mail: str = ""
    phone: str = ""
    ignored: bool = False


def usable_recovery(entry: Entry, now: datetime.datetime, days: float = DOUBT_DAYS) -> Recovery:
    """The means of recovery of an account; none when it was hacked and they changed within `days` before now.

    An account counts as hacked while it is blocked and while it may not send.
    """
    held = entry.attributes
    mail, phone = one(held, "mpRecoveryMail"), one(held, "mpRecoveryPhone")
    hacked = one(held, "mpState") == State.BLOCKED or bool(one(held, "mpBlockedUntil"))
    changed = when(one(held, "mpRecoveryChanged"))
    if hacked and (mail or phone) and changed is not None and changed > now - datetime.timedelta(days=days):
        return Recovery(ignored=True)
    return Recovery(mail, phone)
