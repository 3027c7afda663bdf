"""Identifiers of what an operator or an office makes at a moment: plans, retractions, convocations."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Callable

IDENT = r"\d{8}-\d{6}-[0-9a-f]{4}"


def new_ident(now: datetime.datetime, taken: Callable[[str], bool] = lambda ident: False) -> str:
    """Return an identifier that begins with the moment and that nothing else has.

    Of one moment there are 65,536: where many people make something, `taken` says which are there.
    """
    while taken(ident := f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"):
        pass
    return ident


def is_ident(word: str) -> bool:
    """Whether a word has the form of an identifier."""
    return re.fullmatch(IDENT, word) is not None
