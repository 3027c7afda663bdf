"""Salted digests of the passwords that machines use ({SSHA512}), made and verified with the standard library.

People's passwords are hashed by slapd itself with Argon2id; a daemon's password is 32 random characters, where a slow
hash would only cost time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping

LEAST = {"m": 19456, "t": 2, "p": 1}  # Argon2id: KiB of memory, passes, threads; OWASP's least
_PREFIX = "{SSHA512}"
_SIZE = 64


class WeakDigest(ValueError):
    """A cost below the least, or one that is not written `m=… t=… p=…`."""


def argon2_options(text: str) -> str:
    """The options of slapd's argon2 module, in their order. Raises WeakDigest below LEAST, which is never lowered."""
    pairs = dict(part.partition("=")[::2] for part in text.split())
    if set(pairs) != set(LEAST) or not all(value.isdigit() for value in pairs.values()):
        raise WeakDigest(f"the cost of Argon2 is written m=<KiB> t=<passes> p=<threads>, not {text!r}")
    weak = [name for name, least in LEAST.items() if int(pairs[name]) < least]
    if weak:
        raise WeakDigest(f"the cost of Argon2 is never below {_cost(LEAST)}: {text}")
    return _cost({name: int(pairs[name]) for name in LEAST})


def _cost(values: Mapping[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def make(password: str, salt: bytes | None = None) -> str:
    """The {SSHA512} value of a password, with 16 bytes of salt."""
    salt = os.urandom(16) if salt is None else salt
    value = hashlib.sha512(password.encode() + salt).digest() + salt
    return _PREFIX + base64.b64encode(value).decode("ascii")


def verify(password: str, stored: bytes) -> bool:
    """Whether a stored value is the {SSHA512} digest of this password. Other schemes: False."""
    text = stored.decode("ascii", errors="replace")
    if not text.startswith(_PREFIX):
        return False
    try:
        value = base64.b64decode(text[len(_PREFIX) :], validate=True)
    except ValueError:
        return False
    wanted = hashlib.sha512(password.encode() + value[_SIZE:]).digest()
    return len(value) > _SIZE and hmac.compare_digest(wanted, value[:_SIZE])
