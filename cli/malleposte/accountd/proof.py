"""The proof of who acts: the access token that the provider gave the portal for a log-in (RFC 9068).

The portal hands it over with a call on the agent's own account. It is verified here, by the provider's public key, so
that a portal that is broken into can act only for agents who are logged in at that moment, for as long as their tokens
are good. A token dies before its end when accountd ends the sessions of its owner.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authlib.jose import JsonWebKey, JsonWebToken, JWTClaims
from authlib.jose.errors import BadSignatureError, JoseError

LEEWAY = 30
"""Seconds by which the clocks of two hosts may differ."""
REMEMBERED = 50_000
"""Accounts whose sessions were ended; what was ended longest ago goes first, long after its tokens did."""


FACTOR_LEVEL = 4
"""The provider's level of a log-in in which a second factor was shown, or a key (roles/lemonldap)."""


class NoLogInError(Exception):
    """No token of a log-in that lasts. The text says what is wrong with it, for the log, and repeats nothing of it."""


@dataclass(frozen=True)
class Proved:
    """An agent who is logged in. `level` is the provider's for this log-in, 0 where the token does not say."""

    uid: str
    level: int = 0

    @property
    def by_factor(self) -> bool:
        """Whether a second factor was shown for this log-in; a browser that is trusted from an earlier one is none."""
        return self.level >= FACTOR_LEVEL


@dataclass(frozen=True)
class Provider:
    """The provider's `issuer`, the `audience` (the portal's name there) and the public `keys` (PEM) of its tokens.

    Among the keys are those that signed before, until their tokens have ended. The claim `uid_claim` is the uid.
    """

    issuer: str
    audience: str
    keys: tuple[str, ...]
    uid_claim: str = "sub"

    def __post_init__(self) -> None:
        """Raises ValueError when a key is none, or there is none."""
        object.__setattr__(self, "keys", tuple(self.keys))
        if not self.keys:
            raise ValueError("a provider without keys")
        for key in self.keys:
            JsonWebKey.import_key(key, {"kty": "RSA"}).get_public_key()


class Proofs:
    """Verifies tokens. Thread-safe. Without a provider nobody is logged in."""

    def __init__(
        self,
        provider: Provider | None = None,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._provider, self._now = provider, now
        # One algorithm: a token does not choose how it is verified.
        self._jwt = JsonWebToken(["RS256"])
        self._keys = [JsonWebKey.import_key(key, {"kty": "RSA"}) for key in provider.keys] if provider else []
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def uid(self, token: str) -> str:
        """The uid of the agent who is logged in. Raises NoLogInError."""
        return self.proved(token).uid

    def proved(self, token: str) -> Proved:
        """The agent who is logged in, and how. Raises NoLogInError."""
        if self._provider is None:
            raise NoLogInError("no provider is known")
        asked = {
            "iss": {"essential": True, "value": self._provider.issuer},
            "aud": {"essential": True, "value": self._provider.audience},
            "client_id": {"essential": True, "value": self._provider.audience},
            self._provider.uid_claim: {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }
        now = self._now().timestamp()
        try:
            claims = self._claims(token, asked)
            claims.validate(now=int(now), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NoLogInError(str(getattr(error, "error", "") or type(error).__name__)) from error
        # An identity token of the same log-in is for the portal's eyes, and no access (RFC 9068, section 2.1).
        if str(claims.header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
            raise NoLogInError("not an access token")
        uid = claims[self._provider.uid_claim]
        if not isinstance(uid, str) or not uid:
            raise NoLogInError("it names nobody")
        with self._lock:
            ended = self._ended.get(uid)
        if ended is not None and int(claims["iat"]) <= ended:
            raise NoLogInError("the sessions of its owner were ended")
        level = claims.get("level")
        return Proved(uid, level if isinstance(level, int) and not isinstance(level, bool) else 0)

    def _claims(self, token: str, asked: dict[str, Any]) -> JWTClaims:
        """Return the claims of a token that one of the keys has signed; the last key's error is told."""
        for key in self._keys[:-1]:
            with contextlib.suppress(BadSignatureError):
                return self._jwt.decode(token, key, claims_options=asked)
        return self._jwt.decode(token, self._keys[-1], claims_options=asked)

    def end(self, uid: str) -> None:
        """Tokens of an agent that were issued until now prove nothing any more."""
        with self._lock:
            self._ended.pop(uid, None)
            self._ended[uid] = self._now().timestamp()
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
