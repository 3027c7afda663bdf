"""Identifiers of what an operator or an office makes at a moment: plans, retractions, convocations."""

from __future__ import annotations

import datetime
import re
import secrets

IDENT = r"\d{8}-\d{6}-[0-9a-f]{4}"


def new_ident(now: datetime.datetime) -> str:
    """Return an identifier that begins with the moment and that nothing else has."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def is_ident(word: str) -> bool:
    """Whether a word has the form of an identifier."""
    return re.fullmatch(IDENT, word) is not None
