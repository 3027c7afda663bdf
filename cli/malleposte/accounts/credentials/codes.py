"""INA codes: made, kept as keyed digests bound to one account, recognised once and in time.

A code has ten characters of an alphabet without look-alikes and without vowels (no word comes of it): 44 bits, behind
the rate limits of accountd. Whoever types it may use small letters, spaces and hyphens.

Several may wait for one account, each with the way it went and its end (`mpInaCode`: `WAY END DIGEST`). One that is
sent on anybody's request ends no other; a new letter ends the old one; one from an operator, who knows whom it is for,
ends all others. The first that is used ends them all. One that was mailed in place of a lost second factor (`FACTOR`)
opens no account: it is for the log-in page alone, after the password. What an entry held before there were several
(`mpInaDigest`, `mpInaExpiry`) counts as a letter's.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.platform.times import stamp

ALPHABET = "34679CDFGHJKMNPQRTVWXY"
LENGTH = 10
DAYS = 30.0
"""The default lifetime of a code, in days."""
PURPOSE = "ina"
ATTRIBUTES = ("mpInaCode", "mpInaDigest", "mpInaExpiry")
"""The attribute that holds codes."""
SPENT: Mapping[str, list[str]] = {name: [] for name in ATTRIBUTES}
"""The change that removes every code, together with the change that used one."""
MOST_MAILED = 10
"""Mailed codes that wait at once; the limits of accountd allow fewer."""
_JOINTS = str.maketrans("", "", " -\u00a0\u2010\u2011\u2013\t")


class Way(StrEnum):
    """The way by which a code reaches its owner."""

    LETTER = "letter"
    DESK = "desk"
    MAIL = "mail"
    FACTOR = "factor"


OPENING = (Way.LETTER, Way.DESK, Way.MAIL)
"""Codes that open an account, beside the NUMEN."""


@dataclass(frozen=True)
class Waiting:
    """A code that waits: how it was sent, its end as the directory writes times, its keyed digest."""

    way: str
    end: str
    digest: str = field(repr=False)

    @property
    def value(self) -> str:
        """As `mpInaCode` holds it."""
        return f"{self.way} {self.end} {self.digest}"


_NO_CODE = Waiting("", "", "")


@dataclass(frozen=True)
class Issued:
    """A new code, to be shown to its owner alone, and the digest that recognises it."""

    code: str = field(repr=False)
    waiting: Waiting
    expires: datetime.datetime

    @property
    def shown(self) -> str:
        """The code as it is printed: two groups of five."""
        return f"{self.code[:5]}-{self.code[5:]}"

    @property
    def attributes(self) -> Attributes:
        """Return the value of an entry that holds this code alone."""
        return {"mpInaCode": [self.waiting.value]}


def issue(
    keys: Keyring,
    uid: str,
    now: datetime.datetime,
    days: float = DAYS,
    *,
    way: Way = Way.DESK,
    start: datetime.datetime | None = None,
) -> Issued:
    """A new code for an account, good at once and until `days` after `start` (now, unless given)."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    expires = (start or now).astimezone(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=days)
    return Issued(code, Waiting(way.value, stamp(expires), _digest(keys, uid, code)), expires)


def beside(attributes: Mapping[str, Sequence[str]], issued: Issued, now: datetime.datetime) -> Attributes:
    """Return the value of an entry with a new code: the other valid codes stay beside it, expired ones go."""
    way = issued.waiting.way
    stays = [one for one in waiting(attributes) if one.end > stamp(now) and way != Way.DESK]
    stays = [one for one in stays if one.way != way or way == Way.MAIL]
    return {**SPENT, "mpInaCode": [*(one.value for one in stays), issued.waiting.value]}


def purged(attributes: Mapping[str, Sequence[str]], now: datetime.datetime) -> Attributes:
    """Return the value of an entry without its expired codes; nothing when none has expired."""
    all_of_them = waiting(attributes)
    stays = [one for one in all_of_them if one.end > stamp(now)]
    if len(stays) == len(all_of_them):
        return {}
    return {**SPENT, "mpInaCode": [one.value for one in stays]}


def renew(
    entry: Entry, keys: Keyring, now: datetime.datetime, days: float = DAYS, note: str = "", way: Way = Way.DESK
) -> tuple[Issued, Change]:
    """A new code for an account, and the change that makes it good beside those that stay.

    `entry` is read with `ATTRIBUTES`. Raises InputError for an account that codes do not open.
    """
    attributes = entry.attributes
    uid = attributes["uid"][0]
    if attributes.get("mpState") == [State.SUSPENDED.value]:
        raise InputError(f"{uid} is suspended: a code would open nothing", "resume it first")
    issued = issue(keys, uid, now, days, way=way)
    after = beside(attributes, issued, now)
    before = {name: list(attributes.get(name, [])) for name in after}
    return issued, Change(Kind.MODIFY, uid, entry.dn, before, after, note=note)


def opens(directory: Directory, uid: str) -> bool:
    """Whether a code can open the account: it is proved beside the NUMEN, which an account made by hand may lack."""
    entries = directory.search("people", ["mpNumenDigest"], {"uid": uid})
    return any(entry.attributes.get("mpNumenDigest") for entry in entries)


def normalise(text: str) -> str:
    """A code as it was issued, from what somebody types; what is no code stays something else."""
    return text[: 4 * LENGTH].translate(_JOINTS).upper()


def waiting(attributes: Mapping[str, Sequence[str]]) -> list[Waiting]:
    """Every code of an account, also those that are over."""
    codes = [Waiting(*parts) for value in attributes.get("mpInaCode", ()) if len(parts := value.split(" ")) == 3]
    old = first(attributes, "mpInaDigest")
    end = first(attributes, "mpInaExpiry")
    return [*([Waiting(Way.LETTER.value, end, old)] if old and end else []), *codes]


def find_waiting(
    keys: Keyring,
    uid: str,
    code: str,
    attributes: Mapping[str, Sequence[str]],
    now: datetime.datetime,
    ways: Collection[Way] = OPENING,
) -> Waiting | None:
    """The one of the codes that wait for the account, in time and by one of these ways, which this is.

    The same work whatever the answer.
    """
    codes = [one for one in waiting(attributes) if one.end > stamp(now) and one.way in ways] or [_NO_CODE]
    typed = normalise(code)
    right = _NO_CODE
    for name in keys.keys:
        digest = _digest(keys, uid, typed, name).encode()
        for one in codes:
            right = one if hmac.compare_digest(digest, one.digest.encode()) else right
    return right if right is not _NO_CODE and len(typed) == LENGTH else None


def matches(
    keys: Keyring,
    uid: str,
    code: str,
    attributes: Mapping[str, Sequence[str]],
    now: datetime.datetime,
    ways: Collection[Way] = OPENING,
) -> bool:
    """Whether this is one of the codes that wait for the account, in time, and came by one of these ways.

    The same work whatever the answer.
    """
    return find_waiting(keys, uid, code, attributes, now, ways) is not None


def waits(attributes: Mapping[str, Sequence[str]], now: datetime.datetime, way: Way | None = None) -> int:
    """Count the valid codes of one way or of all."""
    return sum(one.end > stamp(now) and way in (None, one.way) for one in waiting(attributes))


def holder(directory: Directory, keys: Keyring, numen: str) -> str:
    """The uid of the agent of a NUMEN (as `feed.values.numen` writes it); empty when there is none.

    Every key of the ring is asked for, whatever the first one finds, so that the work is the same.
    """
    uids = [
        uid
        for digest in keys.digests("numen", numen)
        for entry in directory.search("people", ["uid"], {"mpNumenDigest": digest})
        for uid in entry.attributes.get("uid", [])
    ]
    return uids[0] if len(set(uids)) == 1 else ""


def _digest(keys: Keyring, uid: str, code: str, name: str | None = None) -> str:
    return keys.digest(PURPOSE, f"{uid}\0{code}", name)
