"""The proof of who acts: the access token that the provider gave the portal for a log-in (RFC 9068).

The portal hands it over with a call on the agent's own account. It is verified here, by the provider's public keys, so
that a portal that is broken into can act only for agents who are logged in at that moment, for as long as their tokens
are good. A token dies before its end when accountd ends the sessions of its owner.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.jose import JsonWebKey, JsonWebToken, JWTClaims
from authlib.jose.errors import BadSignatureError, JoseError

from malleposte.platform import sign_on

LEEWAY = 30
"""Seconds by which the clocks of two hosts may differ."""
REMEMBERED = 50_000
"""Accounts whose sessions were ended; what was ended longest ago goes first, long after its tokens did."""


FACTOR_LEVEL = 4
"""Our log-in page's level of a log-in in which a second factor was shown, or a key (roles/lemonldap)."""
LATELY = 1800
"""Seconds for which a factor counts as shown lately."""

KINDS: Mapping[str, str] = {name: kind for name, (kind, _members) in sign_on.KINDS.items()}
"""By algorithm, the kind of its keys."""


class NoLogInError(Exception):
    """No token of a log-in that lasts. The text says what is wrong with it, for the log, and repeats nothing of it."""


@dataclass(frozen=True)
class Proved:
    """An agent who is logged in. `level` is our log-in page's for this log-in, 0 where the token does not say.

    `age` is for how many seconds the proofs of this log-in have been given; None where the token does not say.
    """

    uid: str
    level: int = 0
    age: float | None = None

    @property
    def by_factor(self) -> bool:
        """Whether a second factor was shown for this log-in; a browser that is trusted from an earlier one is none."""
        return self.level >= FACTOR_LEVEL

    @property
    def lately(self) -> bool:
        """Whether a second factor was shown within LATELY seconds."""
        return self.by_factor and self.age is not None and self.age <= LATELY


@dataclass(frozen=True)
class Provider:
    """The proof of a log-in: the provider's `issuer`, the public `keys` and the `algorithms` of its tokens.

    A key is a PEM text or a JSON Web Key (RFC 7517); those that signed before stay until their tokens have ended.
    `clients`: the audience of each client's tokens, by its name there. The claim `uid_claim` is the uid.
    `typed`: access tokens bear their type (`at+jwt`, RFC 9068); else the `scope` that they must have tells them from
    identity tokens, and these bear the nonce that every service of ours sends (OpenID Connect Core, section 2).
    `level_claim` is our log-in page's level of a log-in; of another provider one of the values `acr` or `amr` says that
    a second factor was shown. `time_claim` is the time of the log-in's proofs (RFC 9068, section 2.2.1, `auth_time`).
    """

    issuer: str
    clients: Mapping[str, str]
    keys: Sequence[str | Mapping[str, str]]
    uid_claim: str = "sub"
    algorithms: Sequence[str] = ("RS256",)
    typed: bool = True
    scope: str = ""
    level_claim: str = "level"
    time_claim: str = "auth_time"
    acr: Sequence[str] = ()
    amr: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raises ValueError when a key is none, or there is none, or tokens could not be told apart."""
        object.__setattr__(self, "keys", tuple(self.keys))
        Keys(self.keys, self.algorithms)
        if not self.clients:
            raise ValueError("a provider without clients")
        if not self.typed and not self.scope:
            raise ValueError("tokens without a type need a scope")


def verifier(algorithms: Sequence[str]) -> JsonWebToken:
    """Verify tokens by these algorithms: a token does not choose how. Raises ValueError where one is not of tokens."""
    strange = sorted(set(algorithms) - set(KINDS)) or ([] if algorithms else ["none"])
    if strange:
        raise ValueError(f"{strange[0]} is no algorithm of tokens")
    return JsonWebToken(list(algorithms))


@dataclass(frozen=True)
class Key:
    """A public key; `name` (`kid`) and `algorithm` are empty where it does not say."""

    kind: str
    name: str
    algorithm: str
    public: Any = field(repr=False)

    @classmethod
    def of(cls, source: str | Mapping[str, str]) -> Key:
        """Out of PEM or a JSON Web Key. Raises ValueError on what is no public key for signatures."""
        if isinstance(source, str):
            key = JsonWebKey.import_key(source, {"kty": "RSA"})
            name = algorithm = ""
        else:
            key = JsonWebKey.import_key(dict(source))
            name, algorithm = source.get("kid", ""), source.get("alg", "")
        if key.kty not in KINDS.values():
            raise ValueError(f"{key.kty} is no kind of keys for tokens")
        key.get_public_key()
        return cls(key.kty, name, algorithm, key)

    def fits(self, algorithm: str, name: str) -> bool:
        """Whether a token that names these may be signed by it."""
        named = not self.name or not name or self.name == name
        return named and self.kind == KINDS.get(algorithm) and self.algorithm in ("", algorithm)


class Keys:
    """The provider's public keys, and what they have signed. Thread-safe."""

    def __init__(self, keys: Sequence[str | Mapping[str, str]], algorithms: Sequence[str]) -> None:
        """Raises ValueError when a key is none, or there is none, or an algorithm is not of tokens."""
        if not keys:
            raise ValueError("a provider without keys")
        self._jwt = verifier(algorithms)
        self._keys = [Key.of(key) for key in keys]

    def claims(self, token: str, asked: Mapping[str, Any], now: float) -> JWTClaims:
        """The claims of a token that one of the keys has signed, if they are as asked and of this time.

        Raises NoLogInError; of several keys the last one's error is told.
        """
        try:
            claims = self._signed(token, dict(asked))
            claims.validate(now=int(now), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NoLogInError(str(getattr(error, "error", "") or type(error).__name__)) from error
        return claims

    def _signed(self, token: str, asked: dict[str, Any]) -> JWTClaims:
        fitting = [key.public for key in self._keys if key.fits(*_named(token))]
        if not fitting:
            raise NoLogInError("signed by a key or an algorithm that the provider does not have here")
        for key in fitting[:-1]:
            with contextlib.suppress(BadSignatureError):
                return self._jwt.decode(token, key, claims_options=asked)
        return self._jwt.decode(token, fitting[-1], claims_options=asked)


class Proofs:
    """Verifies tokens. Thread-safe. Without a provider nobody is logged in."""

    def __init__(
        self,
        provider: Provider | None = None,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._provider, self._now = provider, now
        self._keys = Keys(provider.keys, provider.algorithms) if provider else None
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def uid(self, token: str) -> str:
        """The uid of the agent who is logged in. Raises NoLogInError."""
        return self.proved(token).uid

    def proved(self, token: str) -> Proved:
        """The agent who is logged in, and how. Raises NoLogInError."""
        ours = self._provider
        if ours is None or self._keys is None:
            raise NoLogInError("no provider is known")
        asked = {
            "iss": {"essential": True, "value": ours.issuer},
            "aud": {"essential": True},
            ours.uid_claim: {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }
        claims = self._keys.claims(token, asked, self._now().timestamp())
        self._for_us(ours, claims)
        uid = claims[ours.uid_claim]
        if not isinstance(uid, str) or not uid:
            raise NoLogInError("it names nobody")
        with self._lock:
            ended = self._ended.get(uid)
        # Where nobody here ends the provider's session, a log-in of before goes on: its new tokens are no better.
        begun = claims.get("auth_time", claims["iat"])
        if ended is not None and min(int(claims["iat"]), _seconds(begun)) <= ended:
            raise NoLogInError("the sessions of its owner were ended")
        proved = _seconds(claims.get(ours.time_claim))
        return Proved(uid, _level(ours, claims), self._now().timestamp() - proved if proved else None)

    @staticmethod
    def _for_us(ours: Provider, claims: JWTClaims) -> None:
        """Raises NoLogInError where a token is for another service, or no access token."""
        # RFC 9068 names the client in `client_id`, others in `azp` (OpenID Connect Core, section 2).
        client = claims.get("client_id", claims.get("azp"))
        audience = claims["aud"]
        if not isinstance(client, str) or client not in ours.clients:
            raise NoLogInError("it is another service's")
        if ours.clients[client] not in (audience if isinstance(audience, list) else [audience]):
            raise NoLogInError("it is for another service")
        # An identity token of the same log-in is for the service's eyes, and no access (RFC 9068, section 2.1).
        kind = str(claims.header.get("typ", "")).lower().removeprefix("application/")
        if (ours.typed and kind != "at+jwt") or (not ours.typed and "nonce" in claims):
            raise NoLogInError("not an access token")
        if ours.scope and ours.scope not in _scopes(claims):
            raise NoLogInError(f"it has not the scope {ours.scope}")

    def end(self, uid: str) -> None:
        """Tokens of an agent that were issued until now prove nothing any more."""
        with self._lock:
            self._ended.pop(uid, None)
            self._ended[uid] = self._now().timestamp()
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)


def _named(token: str) -> tuple[str, str]:
    """The algorithm and the key that the head of a token names (RFC 7515, section 4.1). Raises ValueError."""
    head = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    if not isinstance(head, dict):
        raise ValueError("the head is no object")
    return str(head.get("alg", "")), str(head.get("kid", ""))


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of an access token: `scope`, words in a text (RFC 8693, section 4.2), or others' `scp`."""
    value = claims.get("scope", claims.get("scp", ""))
    return [str(one) for one in value] if isinstance(value, list) else str(value).split()


def _seconds(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _level(ours: Provider, claims: Mapping[str, Any]) -> int:
    context, means = claims.get("acr"), claims.get("amr")
    shown = [str(one) for one in means] if isinstance(means, list) else [str(means)]
    if (isinstance(context, str) and context in ours.acr) or set(shown) & set(ours.amr):
        return FACTOR_LEVEL
    level = claims.get(ours.level_claim) if ours.level_claim else None
    return level if isinstance(level, int) and not isinstance(level, bool) else 0
