"""A secret on its way to the one page that shows it: kept some minutes, taken once.

It is kept closed with a word and under a digest of it, so that whoever reads the store has neither.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken

from malleposte_portal import sign_on

MINUTES = 10


def keep(kind: str, content: bytes) -> str:
    """Keep it; the word that takes it. Raises AwayError, StoreError."""
    word = secrets.token_urlsafe(32)
    sign_on.sign_on().sessions.keep_once(word, _closed(kind, word).encrypt(content).decode(), MINUTES * 60)
    return word


def take(kind: str, word: str) -> bytes | None:
    """Take it by its word, once; None where nothing of this kind is kept under it. Raises AwayError, StoreError."""
    held = sign_on.sign_on().sessions.take_once(word)
    try:
        return _closed(kind, word).decrypt(held) if held else None
    except InvalidToken:
        return None


def _closed(kind: str, word: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"{kind}:{word}".encode()).digest()))
