"""A secret on its way to the one page that shows it: kept some minutes, taken once.

It is kept closed with a word and under a digest of it, so that whoever reads the store has neither.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import session

from malleposte_portal.log_in import sign_on

MINUTES = 10


def keep(kind: str, content: bytes) -> str:
    """Keep it; the word that takes it. Raises AwayError, StoreError."""
    word = secrets.token_urlsafe(32)
    sign_on.sign_on().sessions.keep_once(word, _closed(kind, word).encrypt(content).decode(), MINUTES * 60)
    return word


def take(kind: str, word: str) -> bytes | None:
    """Take it by its word, once; None where nothing of this kind is kept under it. Raises AwayError, StoreError."""
    return _opened(kind, word, sign_on.sign_on().sessions.take_once(word))


def hand_on(kind: str, facts: dict[str, Any]) -> None:
    """Keep the facts of an act for the page to which its form leads. Raises AwayError, StoreError.

    The session has the word alone, so the cookie opens nothing without the store.
    """
    session[kind] = keep(kind, json.dumps(facts).encode())


def handed(kind: str) -> dict[str, Any] | None:
    """Take those facts, once; None from then on. Raises AwayError, StoreError."""
    word = session.pop(kind, "")
    return _facts(take(kind, word) if word else None)


def still_handed(kind: str) -> dict[str, Any] | None:
    """Those facts, which stay for their minutes. Raises AwayError, StoreError."""
    word = session.get(kind, "")
    return _facts(_opened(kind, word, sign_on.sign_on().sessions.look_once(word)) if word else None)


def _facts(content: bytes | None) -> dict[str, Any] | None:
    return dict(json.loads(content)) if content else None


def _opened(kind: str, word: str, sealed: str) -> bytes | None:
    try:
        return _closed(kind, word).decrypt(sealed) if sealed else None
    except InvalidToken:
        return None


def _closed(kind: str, word: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"{kind}:{word}".encode()).digest()))
