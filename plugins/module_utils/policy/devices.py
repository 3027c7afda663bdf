"""The form of device passwords: made by the platform, never chosen. Dovecot's configuration and the package share it.

`abcdefgh-abcd-abcd-abcd-abcd`: the first group finds the entry in the directory, the others are the secret (80 bits).
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs, without those that are taken for another when they are copied by hand."""
GROUPS = (8, 4, 4, 4, 4)
FORM = "[a-z2-9]{8}(-[a-z2-9]{4}){4}"
"""A regular expression of Python and of POSIX. A main password has an upper-case letter by the policy: none matches."""
SCOPES = ("imap", "smtp", "sieve", "dav")
"""The accesses of a device, by Dovecot's names of the protocols: read, send, filters, agendas and contacts."""


def generate() -> str:
    """A new device password."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(size)) for size in GROUPS)


def is_device_password(text: str) -> bool:
    """Whether a text has the form of a device password."""
    return re.fullmatch(FORM, text) is not None


def is_identifier(text: str) -> bool:
    """Whether a text has the form of a device's identifier."""
    return re.fullmatch(f"[a-z2-9]{{{GROUPS[0]}}}", text) is not None


def identifier(password: str) -> str:
    """The part of a device password that finds its entry; it is no secret."""
    return password[: GROUPS[0]]
