"""The means of recovery, and the delay before a changed one counts: an attacker changes them first.

What an agent changes waits (`mpRecoveryNext`: `TIME MAIL PHONE`, `-` for none) until that time; until then the old ones
count. An operator's change, and means given when the account is activated, count at once.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import stamp, when

DOUBT_DAYS = 30.0
DELAY_HOURS = 72.0
_NONE = "-"


@dataclass(frozen=True)
class Recovery:
    """The means to send a code. `ignored`: there are means, but they changed too short a time before."""

    mail: str = ""
    phone: str = ""
    ignored: bool = False


@dataclass(frozen=True)
class Next:
    """Means of recovery that wait, and from when on they count."""

    at: datetime.datetime
    mail: str = ""
    phone: str = ""


def next_recovery(entry: Entry) -> Next | None:
    """The means that wait; None when nothing was changed."""
    at, mail, phone = [*first(entry.attributes, "mpRecoveryNext").split(" "), "", "", ""][:3]
    moment = when(at) if mail and phone else None
    return Next(moment, mail.removeprefix(_NONE), phone.removeprefix(_NONE)) if moment else None


def usable_recovery(entry: Entry, now: datetime.datetime, days: float = DOUBT_DAYS) -> Recovery:
    """The means of recovery of an account; none when it was hacked and they changed within `days` before now.

    An account counts as hacked while it is blocked and while it may not send.
    """
    attributes = entry.attributes
    mail, phone = first(attributes, "mpRecoveryMail"), first(attributes, "mpRecoveryPhone")
    changed = when(first(attributes, "mpRecoveryChanged"))
    waiting = next_recovery(entry)
    if waiting is not None and waiting.at <= now:
        mail, phone, changed = waiting.mail, waiting.phone, waiting.at
    hacked = first(attributes, "mpState") == State.BLOCKED or bool(first(attributes, "mpBlockedUntil"))
    if hacked and (mail or phone) and changed is not None and changed > now - datetime.timedelta(days=days):
        return Recovery(ignored=True)
    return Recovery(mail, phone)


def ask_recovery(
    entry: Entry,
    now: datetime.datetime,
    *,
    mail: str | None = None,
    phone: str | None = None,
    hours: float = DELAY_HOURS,
) -> list[Change]:
    """Other means of recovery, which count after `hours`; empty ones are taken away then.

    None leaves one as it is, or as it waits to be. Asked for are those in force: nothing waits any more.
    """
    changes = settled(entry, now)
    attributes: Attributes = changes[0].after if changes else {}
    names = ("mpRecoveryMail", "mpRecoveryPhone")
    current = [first({name: attributes.get(name, entry.attributes.get(name, []))}, name) for name in names]
    waiting = None if changes else next_recovery(entry)
    ahead = [waiting.mail, waiting.phone] if waiting else current
    asked = [before if value is None else value for value, before in zip((mail, phone), ahead, strict=True)]
    new: Attributes = dict(attributes)
    if asked == current:
        new["mpRecoveryNext"] = []
    else:
        at = stamp(now + datetime.timedelta(hours=hours))
        new["mpRecoveryNext"] = [f"{at} {asked[0] or _NONE} {asked[1] or _NONE}"]
    return change(Kind.MODIFY, entry, new)


def settled(entry: Entry, now: datetime.datetime, *, confirmed: bool = False) -> list[Change]:
    """Means that waited take the place of the old ones, once their time has come or an operator confirms them."""
    waiting = next_recovery(entry)
    if waiting is None or (waiting.at > now and not confirmed):
        return []
    attributes: Attributes = {
        "mpRecoveryMail": [waiting.mail] if waiting.mail else [],
        "mpRecoveryPhone": [waiting.phone] if waiting.phone else [],
        "mpRecoveryChanged": [stamp(min(waiting.at, now))],
        "mpRecoveryNext": [],
    }
    return change(Kind.MODIFY, entry, attributes)


def confirm_recovery(entry: Entry, now: datetime.datetime) -> list[Change]:
    """Means that wait count at once: an operator has seen whose they are. Raises InputError when none wait."""
    changes = settled(entry, now, confirmed=True)
    if not changes:
        raise InputError(f"{uid_of(entry)} has no means of recovery that wait", "`accounts show` lists them")
    return changes


def cancel_recovery(entry: Entry) -> list[Change]:
    """Means that wait are given up: the old ones stay. Raises InputError when none wait."""
    if next_recovery(entry) is None:
        raise InputError(f"{uid_of(entry)} has no means of recovery that wait", "`accounts show` lists them")
    return change(Kind.MODIFY, entry, {"mpRecoveryNext": []})
