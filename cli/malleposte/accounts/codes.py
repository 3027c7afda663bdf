"""INA codes: made, kept as a keyed digest bound to one account, recognised once and in time.

A code has ten characters of an alphabet without look-alikes and without vowels (no word comes of it): 44 bits, behind
the rate limits of accountd. Whoever types it may use small letters, spaces and hyphens.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.accounts.changes import Change, Kind
from malleposte.accounts.digests import Keyring
from malleposte.directory.model import Attributes, State
from malleposte.directory.protocol import Directory, Entry
from malleposte.errors import InputError

ALPHABET = "34679CDFGHJKMNPQRTVWXY"
LENGTH = 10
DAYS = 30.0
"""How long a code waits, in days, where nothing else is said."""
PURPOSE = "ina"
SPENT: Mapping[str, list[str]] = {"mpInaDigest": [], "mpInaExpiry": []}
"""What takes a code away, in the same change as what it was good for."""
_JOINTS = str.maketrans("", "", " -\u00a0\u2010\u2011\u2013\t")


@dataclass(frozen=True)
class Issued:
    """A new code, for its owner's eyes alone, and the attributes that let it be recognised."""

    code: str = field(repr=False)
    attributes: Attributes
    expires: datetime.datetime

    @property
    def shown(self) -> str:
        """The code as it is printed: two groups of five."""
        return f"{self.code[:5]}-{self.code[5:]}"


def issue(
    keys: Keyring, uid: str, now: datetime.datetime, days: float = DAYS, *, start: datetime.datetime | None = None
) -> Issued:
    """A new code for an account, good at once and until `days` after `start` (now, unless given).

    Written to the entry, its attributes replace an older code, which is then good for nothing.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    expires = (start or now).astimezone(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=days)
    attributes = {"mpInaDigest": [_digest(keys, uid, code)], "mpInaExpiry": [f"{expires:%Y%m%d%H%M%SZ}"]}
    return Issued(code, attributes, expires)


def renew(
    entry: Entry, keys: Keyring, now: datetime.datetime, days: float = DAYS, note: str = ""
) -> tuple[Issued, Change]:
    """A new code for an account, in place of one that waits, and the change that makes it good.

    `entry` is read with `mpInaDigest` and `mpInaExpiry`. Raises InputError for an account that codes do not open.
    """
    held = entry.attributes
    uid = held["uid"][0]
    if held.get("mpState") == [State.SUSPENDED.value]:
        raise InputError(f"{uid} is suspended: a code would open nothing", "resume it first")
    issued = issue(keys, uid, now, days)
    before = {name: list(held.get(name, [])) for name in issued.attributes}
    return issued, Change(Kind.MODIFY, uid, entry.dn, before, issued.attributes, note=note)


def normalise(text: str) -> str:
    """A code as it was issued, from what somebody types; what is no code stays something else."""
    return text[: 4 * LENGTH].translate(_JOINTS).upper()


def matches(
    keys: Keyring, uid: str, code: str, attributes: Mapping[str, Sequence[str]], now: datetime.datetime
) -> bool:
    """Whether this is the code that waits for the account, in time. The same work whatever the answer."""
    held = next(iter(attributes.get("mpInaDigest", ())), "").encode()
    typed = normalise(code)
    found = False
    for name in keys.keys:
        found |= hmac.compare_digest(_digest(keys, uid, typed, name).encode(), held)
    return found and len(typed) == LENGTH and _in_time(attributes, now)


def waits(attributes: Mapping[str, Sequence[str]], now: datetime.datetime) -> bool:
    """Whether a code waits that is still good."""
    return bool(attributes.get("mpInaDigest")) and _in_time(attributes, now)


def holder(directory: Directory, keys: Keyring, numen: str) -> str:
    """The uid of the agent of a NUMEN (as `feed.values.numen` writes it); empty when there is none.

    Every key of the ring is asked for, whatever the first one finds, so that the work is the same.
    """
    found = [
        uid
        for digest in keys.digests("numen", numen)
        for entry in directory.search("people", ["uid"], {"mpNumenDigest": digest})
        for uid in entry.attributes.get("uid", [])
    ]
    return found[0] if len(set(found)) == 1 else ""


def _digest(keys: Keyring, uid: str, code: str, name: str | None = None) -> str:
    return keys.digest(PURPOSE, f"{uid}\0{code}", name)


def _in_time(attributes: Mapping[str, Sequence[str]], now: datetime.datetime) -> bool:
    until = next(iter(attributes.get("mpInaExpiry", ())), "")
    return bool(until) and f"{now.astimezone(datetime.UTC):%Y%m%d%H%M%SZ}" < until
