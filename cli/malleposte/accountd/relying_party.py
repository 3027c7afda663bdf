"""A relying party: authorisation code with PKCE, refresh, log-out, for the portal and SOGo's front.

Sources: OpenID Connect Core 1.0 (section 3.1), RP-Initiated Logout 1.0, Back-Channel Logout 1.0; RFC 7636 (PKCE).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey
from authlib.jose.errors import JoseError
from authlib.oidc.core import CodeIDToken

from malleposte.accountd.proof import LEEWAY, verifier
from malleposte.platform import identity

PATIENCE = (3.0, 10.0)
"""Seconds for a connection and for an answer."""
REMEMBERED = 10.0
"""Seconds for which the provider counts as there after an answer; it is asked for new keys no sooner."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"
OLDEST = 600
"""Seconds for which a log-out token counts where it names no end of its own."""
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Named, it is read for each connection. Left to itself requests reads it once, when the program starts, and knows no
authority that came since (requests.adapters)."""

AWAY_PAGE = "/_away/log-in"
"""Inside every site (role nginx), by X-Accel-Redirect: the page that says that the log-in page does not answer."""
START_AGAIN_PAGE = "/_away/start-again"
"""The same for a log-in that led to nothing."""


class AwayError(Exception):
    """The provider gives no answer, or none that can be used: nothing is known of the log-in."""


class RefusedError(Exception):
    """The provider, or what it sent, does not prove a log-in. The text says why, for the log."""


@dataclass(frozen=True)
class Started:
    """A log-in that was begun: the address to send the browser to, and what is kept until it comes back.

    `state` is in addresses; the browser's own cookie alone has the `verifier`, of which the nonce is made.
    """

    address: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Tokens:
    """The tokens of a log-in. `good_until` is when the access token ends (seconds since 1970).

    `identity` is the token that is kept for the log-out; empty where a renewal gave none.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    identity: str = field(repr=False)
    good_until: float


@dataclass(frozen=True)
class Agent:
    """The agent of a checked identity token. `sid` names the provider's session.

    `since` is when the agent last gave a password there (seconds since 1970).
    """

    uid: str
    name: str
    profile: str
    sid: str
    since: float


class RelyingParty:
    """One client of one provider. Thread-safe. Its addresses and keys are asked for when they are needed first."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        uid_claim: str = "sub",
        algorithms: Sequence[str] = ("RS256",),
        scope: str = "openid profile email",
        http: Callable[[OAuth2Session], None] = lambda _session: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`uid_claim`: the claim of its tokens that is the agent's uid; `algorithms`: by what they may be signed.

        `http` may change each session of requests, as tests do; `clock` gives seconds since 1970. Raises ValueError.
        """
        self.issuer, self.client_id, self._secret, self._uid_claim = issuer, client_id, client_secret, uid_claim
        self._http, self._clock = http, clock
        self._scope = scope
        self._jwt = verifier(algorithms)
        self._document: Mapping[str, Any] = {}
        self._keys: Any = None
        self._seen = self._keys_asked = 0.0

    def now(self) -> float:
        """The time by which tokens end."""
        return self._clock()

    # --- what the browser is sent to ---

    def start(self, back: str, *, anew: bool = False) -> Started:
        """Begin a log-in that comes back to an address; `anew`: whoever is known there gives the password again.

        Raises AwayError: a browser that is led to a provider that is away shows an error of its own.
        """
        more = {"prompt": "login"} if anew else {}
        state, verifier = secrets.token_hex(16), secrets.token_urlsafe(48)
        page = self._address("authorization_endpoint", REMEMBERED)
        with self._session(redirect_uri=back) as session:
            address, _state = session.create_authorization_url(
                page, state=state, nonce=_nonce(verifier), code_verifier=verifier, **more
            )
        return Started(str(address), state, verifier)

    def log_out(self, id_token: str, back: str) -> str:
        """The address that ends the provider's session and leads back. Raises AwayError."""
        asked = {"id_token_hint": id_token, "post_logout_redirect_uri": back, "client_id": self.client_id}
        return f"{self._address('end_session_endpoint')}?{urlencode(asked)}"

    # --- what the provider is asked ---

    def redeem(self, code: str, verifier: str, back: str) -> tuple[Agent, Tokens]:
        """Tokens for a code. Raises RefusedError, AwayError."""
        answer = self._asked(
            redirect_uri=back, grant_type="authorization_code", code=code, code_verifier=verifier
        )  # fmt: skip
        tokens = self._tokens(answer)
        return self._agent(tokens, _nonce(verifier)), tokens

    def renew(self, refresh: str) -> Tokens:
        """Tokens that follow. Raises RefusedError where the log-in has ended, AwayError."""
        if not refresh:
            raise RefusedError("the token has ended")
        answer = self._asked(grant_type="refresh_token", refresh_token=refresh)
        return self._tokens({"refresh_token": refresh, **answer})

    def _asked(self, redirect_uri: str = "", **fields: str) -> Mapping[str, Any]:
        with self._session(redirect_uri=redirect_uri or None) as session:
            try:
                answer = session.fetch_token(self._address("token_endpoint"), timeout=PATIENCE, **fields)
            except AuthlibBaseError as error:
                raise RefusedError(str(error.error)) from error
            except (requests.RequestException, ValueError) as error:
                raise AwayError(f"{self.issuer}: {type(error).__name__}") from error
        if not isinstance(answer, Mapping) or not answer.get("access_token"):
            raise RefusedError("no token")
        return answer

    def _tokens(self, answer: Mapping[str, Any]) -> Tokens:
        access, refresh, identity = (str(answer.get(f"{name}_token") or "") for name in ("access", "refresh", "id"))
        return Tokens(access, refresh, identity, self._clock() + float(answer.get("expires_in") or 0))

    # --- what it signs ---

    def _agent(self, tokens: Tokens, nonce: str) -> Agent:
        """The agent of an identity token (OpenID Connect Core, 3.1.3.7). Raises RefusedError, AwayError."""
        asked = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        claims = self._signed(tokens.identity, asked, CodeIDToken, {"nonce": nonce, "client_id": self.client_id,
                                                                   "access_token": tokens.access})  # fmt: skip
        uid, name = claims.get(self._uid_claim), claims.get("name")
        if not isinstance(uid, str) or not identity.is_uid(uid):
            raise RefusedError("it names nobody")
        profile, sid = str(claims.get("profile_class") or ""), str(claims.get("sid") or "")
        since = claims.get("auth_time")
        return Agent(uid, str(name or uid), profile, sid, float(since) if isinstance(since, int | float) else 0.0)

    def ended(self, logout_token: str, client_id: str = "") -> tuple[str, str]:
        """The session (`sid`) and the agent of a log-out token (sections 2.4 and 2.6); one of them may be empty.

        `client_id`: another client of ours there, for which the token is. Raises RefusedError, AwayError.
        """
        asked = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": client_id or self.client_id},
            "iat": {"essential": True},
            "events": {"essential": True},
        }
        claims = self._signed(logout_token, asked)
        events, issued = claims.get("events"), claims.get("iat")
        if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
            raise RefusedError("it tells of no log-out")
        # An identity token of the same key and audience bears the nonce.
        if "nonce" in claims:
            raise RefusedError("it has a nonce")
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            raise RefusedError("it has no time")
        if not self._clock() - OLDEST <= issued <= self._clock() + LEEWAY:
            raise RefusedError("it is of another time")
        sid, uid = (claims.get(name, "") for name in ("sid", self._uid_claim))
        if not isinstance(sid, str) or not isinstance(uid, str):
            raise RefusedError("its session or its agent is no text")
        if not sid and not uid:
            raise RefusedError("it names neither a session nor an agent")
        return sid, uid

    def _signed(self, token: str, asked: Mapping[str, Any], kind: Any = None, params: Any = None) -> Any:
        # Log-out tokens come from anybody: an unknown key has the provider asked for its keys once in a while.
        latest = REMEMBERED if kind is None else 0.0
        for seconds in (float("inf"), latest):
            try:
                claims = self._jwt.decode(token, self._keyset(seconds), kind, dict(asked), params)
                claims.validate(now=int(self._clock()), leeway=LEEWAY)
            except ValueError as error:
                # No key of this name: the provider may have a new one.
                if seconds > latest:
                    continue
                raise RefusedError("signed with a key that the provider does not have") from error
            except (JoseError, AuthlibBaseError, TypeError, KeyError) as error:
                raise RefusedError(str(getattr(error, "error", "") or type(error).__name__)) from error
            return claims
        raise AssertionError

    # --- where all that is ---

    def _address(self, name: str, seconds: float = float("inf")) -> str:
        """One of the provider's addresses, which it has told within so many seconds. Raises AwayError."""
        address = str(self._metadata(seconds).get(name, ""))
        if not address.startswith("https://"):
            raise AwayError(f"{self.issuer}: no {name}")
        return address

    def _metadata(self, seconds: float) -> Mapping[str, Any]:
        if not self._document or self._clock() >= self._seen + seconds:
            document = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if document.get("issuer") != self.issuer:
                raise AwayError(f"{self.issuer}: it calls itself otherwise")
            self._document, self._seen = document, self._clock()
        return self._document

    def _keyset(self, seconds: float) -> Any:
        """The provider's keys, as it told them within so many seconds."""
        if self._keys is None or self._clock() >= self._keys_asked + seconds:
            self._keys_asked = self._clock()
            try:
                self._keys = JsonWebKey.import_key_set(dict(self._fetched(self._address("jwks_uri"))))
            except (KeyError, ValueError, TypeError) as error:
                raise AwayError(f"{self.issuer}: no keys") from error
        return self._keys

    def _fetched(self, address: str) -> Mapping[str, Any]:
        try:
            with self._session() as session:
                answer = session.request("GET", address, withhold_token=True, timeout=PATIENCE)
                answer.raise_for_status()
                document = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise AwayError(f"{self.issuer}: {type(error).__name__}") from error
        if not isinstance(document, dict):
            raise AwayError(f"{self.issuer}: no object at {address}")
        return document

    def _session(self, redirect_uri: str | None = None) -> Any:
        session = OAuth2Session(
            self.client_id, self._secret, scope=self._scope, redirect_uri=redirect_uri, code_challenge_method="S256",
        )  # fmt: skip
        session.verify = AUTHORITIES
        self._http(session)
        return session


def _nonce(verifier: str) -> str:
    """The word that the identity token must bear: another digest of the verifier than the challenge, which is seen."""
    return hmac.new(verifier.encode(), b"nonce", hashlib.sha256).hexdigest()
