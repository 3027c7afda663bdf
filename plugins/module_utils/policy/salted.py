"""Salted digests ({SSHA512}) of long random passwords, those of machines and devices; the standard library does it.

A slow hash protects a password that a person chose. Against 80 random bits or more it would only cost time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_PREFIX = "{SSHA512}"
_SIZE = 64


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
    digest = hashlib.sha512(password.encode() + value[_SIZE:]).digest()
    return len(value) > _SIZE and hmac.compare_digest(digest, value[:_SIZE])
