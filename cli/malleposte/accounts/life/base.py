"""Common parts of the acts on an account: the attributes they look at, a change with its old values."""

from __future__ import annotations

from malleposte.accounts.plan.changes import Change, Kind
from malleposte.directory.model import Attributes, first
from malleposte.directory.protocol import Entry

ASKED = (
    *("objectClass", "uid", "cn", "sn", "givenName", "displayName", "mail", "mailLocalAddress", "mailHost"),
    *("mpLoginAlias", "mpProfile", "mpState", "mpStateChanged", "mpQuota", "mpEstablishment", "mpCorps"),
    *("mpDiscipline", "mpFunction", "mpHidden", "mpDelegate", "mpBlockedUntil", "mpArchived"),
    *("mpRecoveryMail", "mpRecoveryPhone", "mpRecoveryChanged", "mpRecoveryNext", "pwdChangedTime"),
    *("mpInaCode", "mpInaDigest", "mpInaExpiry", "mpRecoveryCode", "mpEnrolment", "mpCharter"),
    *("mpRole", "mpLetterAsked", "pwdAccountLockedTime", "pwdLastSuccess"),
)
"""The attributes of an entry that an act may look at or change. No digest that an operator would see."""


def uid_of(entry: Entry) -> str:
    """The account's uid."""
    return first(entry.attributes, "uid")


def change(
    kind: Kind, entry: Entry, target: Attributes, note: str = "", *, name: str = "", line: int = 0
) -> list[Change]:
    """The change that makes an entry so: only of what differs; none when nothing does. `name`: where it has no uid."""
    attributes = entry.attributes
    after = {name: values for name, values in target.items() if sorted(values) != sorted(attributes.get(name, []))}
    if not after:
        return []
    before = {name: list(attributes.get(name, [])) for name in after}
    return [Change(kind, name or uid_of(entry), entry.dn, before, after, line, note)]
