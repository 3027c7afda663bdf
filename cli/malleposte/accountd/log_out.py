"""Log-out tokens, by which the provider says that a session has ended (OpenID Connect Back-Channel Logout 1.0).

The portal and the webmails' front verify the signature first (`relying_party`). See sections 2.4 and 2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 30
"""Seconds by which the clocks of two hosts may differ."""
OLDEST = 600
"""Seconds for which a token counts where it names no end of its own."""


class NoLogOutError(Exception):
    """No log-out token. The text says what is wrong with it, for the log, and repeats nothing of it."""


def asked(issuer: str, audience: str) -> dict[str, dict[str, Any]]:
    """The claims that the library of tokens looks for itself, in its own form."""
    return {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
        "iat": {"essential": True},
        "events": {"essential": True},
    }


def ended(claims: Mapping[str, Any], uid_claim: str, now: float) -> tuple[str, str]:
    """The session (`sid`) and the agent of a token whose signature is right; one of them may be empty.

    Raises NoLogOutError.
    """
    events, issued = claims.get("events"), claims.get("iat")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise NoLogOutError("it tells of no log-out")
    # An identity token of the same key and audience bears the nonce.
    if "nonce" in claims:
        raise NoLogOutError("it has a nonce")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise NoLogOutError("it has no time")
    if not now - OLDEST <= issued <= now + LEEWAY:
        raise NoLogOutError("it is of another time")
    sid, uid = _text(claims, "sid"), _text(claims, uid_claim)
    if not sid and not uid:
        raise NoLogOutError("it names neither a session nor an agent")
    return sid, uid


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise NoLogOutError(f"{name} is no text")
    return value
