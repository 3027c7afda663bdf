# SPDX-License-Identifier: GPL-3.0-or-later
"""The MTA-STS policy of a mail domain (RFC 8461, 3.2). Standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .zone import RecordError

MAX_AGE = {"testing": 86_400, "enforce": 1_209_600, "none": 86_400}
"""Mode -> seconds for which a sender keeps the policy: two weeks when it holds, a day while it may change."""
ID_LENGTH = 20


def policy(mode: str, mx: Sequence[str]) -> str:
    """The text to serve: senders then deliver only over TLS, to these names. Raises RecordError on an unknown mode."""
    if mode not in MAX_AGE:
        raise RecordError(f"dns facts: mta_sts.mode {mode!r} is not one of {', '.join(MAX_AGE)}")
    names = [] if mode == "none" else [f"mx: {name}" for name in mx]
    return "\r\n".join(["version: STSv1", f"mode: {mode}", *names, f"max_age: {MAX_AGE[mode]}", ""])


def policy_id(text: str) -> str:
    """Return the identifier that tells senders of a new policy: a digest of it, letters and digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]
