"""Recovery codes: ten at a time, made for an agent who has a second factor, each good once in place of it.

Kept as keyed digests in the directory (`mpRecoveryCode`), of the same alphabet and form as INA codes. New ones take the
place of old ones.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring

ATTRIBUTE = "mpRecoveryCode"
MANY = 10
PURPOSE = "recovery"


@dataclass(frozen=True)
class NewCodes:
    """New codes, to be shown once, and the values by which the directory knows them."""

    shown: tuple[str, ...] = field(repr=False)
    values: list[str] = field(repr=False)


def make(keys: Keyring, uid: str, many: int = MANY) -> NewCodes:
    """New recovery codes of an account."""
    plain_codes = ["".join(secrets.choice(codes.ALPHABET) for _ in range(codes.LENGTH)) for _ in range(many)]
    return NewCodes(
        tuple(f"{code[:5]}-{code[5:]}" for code in plain_codes),
        sorted(keys.digest(PURPOSE, f"{uid}\0{code}") for code in plain_codes),
    )


def matching(keys: Keyring, uid: str, code: str, attributes: Mapping[str, Sequence[str]]) -> str:
    """The value of the code that somebody typed, among those of an account; empty for none. Always the same work."""
    typed = codes.normalise(code)
    match = ""
    for digest in keys.digests(PURPOSE, f"{uid}\0{typed}"):
        for value in attributes.get(ATTRIBUTE, ()) or ("",):
            if hmac.compare_digest(digest.encode(), value.encode()):
                match = value
    return match if len(typed) == codes.LENGTH else ""
