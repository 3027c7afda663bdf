"""The provider of the log-in page, as SOGo's front asks it: tokens for a code (OpenID Connect Core, 3.1), new ones."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from malleposte.daemons.dav_router.proofs import SAFE_UID, Refused, Unsure
from malleposte.daemons.dav_router.sessions import Session

PATIENCE = 10.0
"""Seconds for an answer."""
REMEMBERED = 10.0
"""Seconds for which it counts as there after an answer."""
LONGEST = 65_536
"""Bytes of an answer."""


@dataclass(frozen=True)
class Client:
    """The provider and its addresses, and SOGo's front as it knows it: `name`, `secret`, `back` (where log-ins return).

    `uid_claim` is the claim of its tokens that is the agent's uid, `scope` what is asked for.
    """

    issuer: str
    authorize: str
    token: str
    end_session: str
    name: str
    secret: str = field(repr=False)
    back: str
    uid_claim: str = "sub"
    scope: str = "openid profile email mail"


@dataclass(frozen=True)
class Way:
    """One way out to the log-in page: `state` is in the addresses, `verifier` in the browser's cookie alone."""

    state: str
    verifier: str

    @property
    def challenge(self) -> str:
        """The verifier's digest, which may be seen (RFC 7636, S256)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def nonce(self) -> str:
        """The word that the identity token must bear: another digest of the verifier than the challenge."""
        return hmac.new(self.verifier.encode(), b"nonce", hashlib.sha256).hexdigest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _asking(address: str, **asked: str) -> str:
    """An address with what is asked of it, for a browser."""
    return f"{address}{'&' if '?' in address else '?'}{urllib.parse.urlencode(asked)}"


def claims(token: str) -> Mapping[str, Any]:
    """The content of a token that came from the provider itself, over TLS (OpenID Connect Core, 3.1.3.7, 6)."""
    middle = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    if not isinstance(found, dict):
        raise ValueError("the token is no object")
    return found


class Provider:
    """Questions to the provider; each in a thread, since they may take a while."""

    def __init__(self, client: Client) -> None:
        """Nothing is asked yet."""
        self.client, self.seen = client, -REMEMBERED

    def log_in(self, way: Way) -> str:
        """The address at which a browser logs in."""
        return _asking(
            self.client.authorize,
            response_type="code",
            client_id=self.client.name,
            redirect_uri=self.client.back,
            scope=self.client.scope,
            state=way.state,
            nonce=way.nonce,
            code_challenge=way.challenge,
            code_challenge_method="S256",
        )

    def log_out(self, identity: str, then: str) -> str:
        """The address at which a browser ends the log-in of all services."""
        return _asking(self.client.end_session, id_token_hint=identity, post_logout_redirect_uri=then)

    async def answers(self) -> bool:
        """Whether it is there: a browser that is led to one that is not shows an error of its own."""
        if time.monotonic() - self.seen < REMEMBERED:
            return True
        try:
            document = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, _said = await asyncio.to_thread(self._ask, "GET", document, None)
        except Unsure:
            return False
        self.seen = time.monotonic() if status == 200 else -REMEMBERED
        return status == 200

    async def redeem(self, code: str, way: Way) -> Session:
        """The session of a code. Raises Refused, Unsure."""
        told = await self._tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.client.back,
            code_verifier=way.verifier,
        )
        try:
            known = claims(told["id_token"])
            self._believe(known, way)
            return self._session(str(known[self.client.uid_claim]), told, str(known.get("sid") or ""))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise Refused(f"{type(error).__name__}: {error}") from error

    async def renew(self, session: Session) -> Session:
        """The session with a new token. Raises Refused, Unsure."""
        told = await self._tokens(grant_type="refresh_token", refresh_token=session.refresh)
        try:
            kept = {"refresh_token": session.refresh, "id_token": session.identity}
            return self._session(session.uid, kept | dict(told), session.sid)
        except (KeyError, ValueError, TypeError) as error:
            raise Refused(f"{type(error).__name__}: {error}") from error

    def _believe(self, known: Mapping[str, Any], way: Way) -> None:
        """Whether a token of who somebody is is ours, and of this very way. Raises ValueError."""
        audience = known.get("aud")
        if known.get("iss") != self.client.issuer or float(known.get("exp", 0)) < time.time():
            raise ValueError("the token is not of the log-in page, or is over")
        if self.client.name not in (audience if isinstance(audience, list) else [audience]):
            raise ValueError("the token is for another service")
        if not hmac.compare_digest(str(known.get("nonce", "")).encode(), way.nonce.encode()):
            raise ValueError("the token has not the nonce of this way")
        if not SAFE_UID.fullmatch(str(known[self.client.uid_claim])):
            raise ValueError("the token names no uid")

    @staticmethod
    def _session(uid: str, told: Mapping[str, Any], sid: str) -> Session:
        until = time.time() + float(told["expires_in"])
        return Session(uid, str(told["access_token"]), str(told["refresh_token"]), str(told["id_token"]), until, sid)

    async def _tokens(self, **asked: str) -> Mapping[str, Any]:
        status, said = await asyncio.to_thread(self._ask, "POST", self.client.token, asked)
        try:
            told = json.loads(said)
        except ValueError as error:
            raise Unsure(f"HTTP {status}, no JSON") from error
        if status in (400, 401) and isinstance(told, dict):
            raise Refused(str(told.get("error", status)))
        if status != 200 or not isinstance(told, dict):
            raise Unsure(f"HTTP {status}")
        return told

    def _ask(self, method: str, address: str, asked: Mapping[str, str] | None) -> tuple[int, bytes]:
        """Status and body. Raises Unsure."""
        where = urllib.parse.urlsplit(address)
        path = urllib.parse.urlunsplit(("", "", where.path, where.query, ""))
        link = http.client.HTTPSConnection(where.netloc, timeout=PATIENCE, context=ssl.create_default_context())
        pair = f"{self.client.name}:{self.client.secret}".encode()
        sent = {"Accept": "application/json"}
        if asked is not None:
            sent |= {
                "Authorization": f"Basic {base64.b64encode(pair).decode()}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
        try:
            link.request(method, path, urllib.parse.urlencode(asked) if asked is not None else None, sent)
            answer = link.getresponse()
            return answer.status, answer.read(LONGEST)
        except (OSError, http.client.HTTPException) as error:
            raise Unsure(f"{type(error).__name__}: {error}") from error
        finally:
            link.close()
