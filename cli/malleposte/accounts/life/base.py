"""What the acts on an account share: the attributes they look at, times, a change with its old values."""

from __future__ import annotations

import datetime

from malleposte.accounts.changes import Change, Kind
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Entry

ASKED = (
    *("objectClass", "uid", "cn", "sn", "givenName", "displayName", "mail", "mailLocalAddress", "mailHost"),
    *("mpLoginAlias", "mpProfile", "mpState", "mpStateChanged", "mpQuota", "mpEstablishment", "mpCorps"),
    *("mpDiscipline", "mpFunction", "mpHidden", "mpDelegate", "mpBlockedUntil", "mpArchived"),
    *("mpRecoveryMail", "mpRecoveryPhone", "mpRecoveryChanged", "mpInaDigest", "mpInaExpiry", "pwdChangedTime"),
)
"""What is asked of an entry: all that an act may look at or change. No digest that an operator would see."""


def stamp(when: datetime.datetime) -> str:
    """A time as the directory keeps it (generalizedTime, UTC)."""
    return when.astimezone(datetime.UTC).strftime("%Y%m%d%H%M%SZ")


def when(text: str) -> datetime.datetime | None:
    """A time of the directory; None when there is none, or none that is understood."""
    try:
        return datetime.datetime.strptime(text.partition(".")[0].rstrip("Z")[:14] + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def one(attributes: Attributes, name: str) -> str:
    """The first value of an attribute; empty when there is none."""
    values = attributes.get(name, [])
    return values[0] if values else ""


def uid_of(entry: Entry) -> str:
    """The account's uid."""
    return one(entry.attributes, "uid")


def change(kind: Kind, entry: Entry, wanted: Attributes, note: str = "") -> list[Change]:
    """The change that makes an entry so: only of what differs; none when nothing does."""
    held = entry.attributes
    after = {name: values for name, values in wanted.items() if sorted(values) != sorted(held.get(name, []))}
    if not after:
        return []
    before = {name: list(held.get(name, [])) for name in after}
    return [Change(kind, uid_of(entry), entry.dn, before, after, note=note)]
