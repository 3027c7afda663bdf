"""A provider of another house for the lab's Internet: its one password opens a log-in of any name (role world_sso).

Usage: world-sso PORT. OpenID Connect as others do it: signed by ES256, clients named by `azp`, one audience for all,
access tokens typed as identity tokens, lists among their claims, the agent's name in `login`. `POST ISSUER/mint` signs
whatever claims a test sends, and `POST ISSUER/end` forgets every log-in, both with a bearer token. Nothing of a log-in
is logged, or kept past the end of the process.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import http.server
import json
import os
import secrets
import ssl
import sys
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from authlib.jose import JsonWebKey, JsonWebToken

SECONDS = 300
"""For which a token is good."""
KID = "monde-1"
COOKIE = "__Host-monde"
AUDIENCE, MAIL_SCOPE, UID_CLAIM = "compte", "courriel", "login"
ONE, TWO = "urn:monde:1", "urn:monde:2"
"""`acr` of a log-in, and of one with a second factor."""
_MOST = 65_536
_FORM = """<!DOCTYPE html><html lang="fr"><title>Identité</title><h1>Identité</h1><form method="post" action="{action}">
<label>Nom <input name="user"></label> <label>Mot de passe <input name="password" type="password"></label>
<label>Code <input name="code"></label><button>Entrer</button></form></html>"""


@dataclass(frozen=True)
class Config:
    """`clients`: by name, `secret`, `back` (addresses of log-ins) and `after` (of log-outs)."""

    issuer: str
    clients: Mapping[str, Mapping[str, Any]]
    password: str = field(repr=False)
    token: str = field(repr=False)
    key: str = field(repr=False)


@dataclass
class Session:
    """A log-in of one browser."""

    uid: str
    acr: str
    since: int
    ident: str = field(default_factory=lambda: secrets.token_hex(8))


class Refused(Exception):
    """An error of RFC 6749, section 5.2, or its neighbour for browsers."""


class Provider:
    """Log-ins and tokens. Thread-safe."""

    def __init__(self, config: Config) -> None:
        self.config, self._lock = config, threading.Lock()
        self._key = JsonWebKey.import_key(config.key, {"kty": "EC"})
        self._sessions: dict[str, Session] = {}
        self._codes: dict[str, tuple[Session, dict[str, str]]] = {}
        self._refresh: dict[str, tuple[Session, str, str]] = {}

    @property
    def document(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "end_session_endpoint": "logout",
                 "jwks_uri": "jwks"}  # fmt: skip
        return {"issuer": self.config.issuer, **{key: f"{self.config.issuer}/{path}" for key, path in names.items()}}

    @property
    def jwks(self) -> dict[str, Any]:
        """Its one public key."""
        return {"keys": [{**self._key.as_dict(is_private=False), "kid": KID, "alg": "ES256", "use": "sig"}]}

    def sign(self, claims: Mapping[str, Any], **head: str) -> str:
        """A token of any content; `head` changes what it says of itself, and not by what it is signed."""
        header = {"alg": "ES256", "typ": "JWT", "kid": KID} | head
        return str(JsonWebToken(["ES256"]).encode(header, dict(claims), self._key, check=False), "ascii")

    # --- the browser ---

    def session_of(self, cookie: str) -> Session | None:
        """The log-in of a browser."""
        with self._lock:
            return self._sessions.get(cookie)

    def log_in(self, user: str, password: str, code: str) -> str:
        """The cookie of a new log-in; with any `code` it is one with a second factor. Raises Refused."""
        if not user or not hmac.compare_digest(password.encode(), self.config.password.encode()):
            raise Refused("access_denied")
        cookie = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions[cookie] = Session(user, TWO if code else ONE, int(time.time()))
        return cookie

    def checked(self, asked: Mapping[str, str]) -> None:
        """Whether a service may ask that. Raises Refused."""
        client = self.config.clients.get(asked.get("client_id", ""))
        right = asked.get("response_type") == "code" and "openid" in asked.get("scope", "").split()
        if client is None or asked.get("redirect_uri") not in client["back"] or not right or not asked.get("nonce"):
            raise Refused("invalid_request")

    def back(self, session: Session, asked: Mapping[str, str]) -> str:
        """The address to which a browser returns with a code."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = (session, dict(asked))
        query = urllib.parse.urlencode({"code": code, "state": asked.get("state", "")})
        return f"{asked['redirect_uri']}?{query}"

    def log_out(self, cookie: str, after: str) -> str:
        """End the log-in of a browser; the address to go on to, empty where no service may send it there."""
        with self._lock:
            gone = self._sessions.pop(cookie, None)
            self._refresh = {key: grant for key, grant in self._refresh.items() if grant[0] is not gone}
        return after if any(after in client["after"] for client in self.config.clients.values()) else ""

    def end(self) -> None:
        """Forget every log-in."""
        with self._lock:
            self._sessions, self._codes, self._refresh = {}, {}, {}

    # --- the service ---

    def tokens(self, client: str, secret: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code, or new ones (RFC 6749, 4.1.3 and 6; RFC 7636, 4.6). Raises Refused."""
        registered = self.config.clients.get(client)
        if registered is None or not hmac.compare_digest(secret.encode(), str(registered["secret"]).encode()):
            raise Refused("invalid_client")
        if asked.get("grant_type") == "refresh_token":
            with self._lock:
                grant = self._refresh.pop(asked.get("refresh_token", ""), None)
            if grant is None or grant[1] != client:
                raise Refused("invalid_grant")
            return self._tokens_for(grant[0], client, grant[2], "")
        with self._lock:
            begun = self._codes.pop(asked.get("code", ""), None)
        if begun is None or begun[1]["client_id"] != client or begun[1]["redirect_uri"] != asked.get("redirect_uri"):
            raise Refused("invalid_grant")
        session, first = begun
        shown = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if first.get("code_challenge") not in (None, base64.urlsafe_b64encode(shown).rstrip(b"=").decode()):
            raise Refused("invalid_grant")
        return self._tokens_for(session, client, first["scope"], first["nonce"])

    def _tokens_for(self, session: Session, client: str, scope: str, nonce: str) -> dict[str, Any]:
        refresh = secrets.token_urlsafe(24)
        with self._lock:
            self._refresh[refresh] = (session, client, scope)
        access = self.sign(self.claims(session, client, scope))
        identity = self.claims(session, client, "") | {"aud": client, "nonce": nonce, "name": session.uid, "typ": "ID"}
        return {
            "access_token": access,
            "refresh_token": refresh,
            "id_token": self.sign({key: value for key, value in identity.items() if key != "scope"}),
            "token_type": "Bearer",
            "expires_in": SECONDS,
        }

    def claims(self, session: Session, client: str, scope: str) -> dict[str, Any]:
        """The claims of an access token."""
        now = int(time.time())
        subject = hashlib.sha256(session.uid.encode()).hexdigest()[:32]
        return {
            "iss": self.config.issuer, "sub": subject, "aud": [AUDIENCE, "autre"], "azp": client, "scope": scope,
            UID_CLAIM: session.uid, "acr": session.acr, "auth_time": session.since, "sid": session.ident,
            "iat": now, "exp": now + SECONDS, "typ": "Bearer", "roles": ["agents", "monde"],
        }  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    """The provider's site; `context` is None in unit tests alone."""

    def __init__(self, address: tuple[str, int], provider: Provider, context: ssl.SSLContext | None) -> None:
        super().__init__(address, Handler)
        self.provider = provider
        self.path = urllib.parse.urlsplit(provider.config.issuer).path
        if context:
            # The handshake belongs to the thread of the connection: else whoever says nothing holds all others up.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Name the error alone: a traceback could hold a token."""
        print(f"a request failed: {sys.exc_info()[0]}", file=sys.stderr)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 15

    def do_GET(self) -> None:
        """Documents and pages."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Forms and questions of services."""
        self._answered(self._post)

    def _answered(self, answer: Any) -> None:
        where = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(where.query))
        inside = where.path.startswith(f"{self.server.path}/")
        page = where.path.removeprefix(f"{self.server.path}/") if inside else ""
        try:
            answer(page, query)
        except Refused as error:
            status = HTTPStatus.UNAUTHORIZED if str(error) == "invalid_client" else HTTPStatus.BAD_REQUEST
            self._json({"error": str(error)}, status)

    def _get(self, page: str, asked: dict[str, str]) -> None:
        ours = self.server.provider
        if page == ".well-known/openid-configuration":
            self._json(ours.document)
        elif page == "jwks":
            self._json(ours.jwks)
        elif page == "authorize":
            ours.checked(asked)
            session = None if asked.get("prompt") == "login" else ours.session_of(self._cookie)
            self._led(ours.back(session, asked)) if session else self._form()
        elif page == "logout":
            after = ours.log_out(self._cookie, asked.get("post_logout_redirect_uri", ""))
            self._led(after) if after else self._page("<p>Au revoir</p>")
        elif page == "facteurs":
            self._page("<p>Facteurs</p>")
        else:
            self._send(HTTPStatus.NOT_FOUND, b"", {})

    def _post(self, page: str, asked: dict[str, str]) -> None:
        ours, body = self.server.provider, self._body()
        if page == "authorize":
            ours.checked(asked)
            fields = dict(urllib.parse.parse_qsl(body.decode()))
            try:
                cookie = ours.log_in(fields.get("user", ""), fields.get("password", ""), fields.get("code", ""))
            except Refused:
                self._form(HTTPStatus.FORBIDDEN)
                return
            session = ours.session_of(cookie)
            assert session is not None
            set_cookie = f"{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
            self._send(HTTPStatus.SEE_OTHER, b"", {"Location": ours.back(session, asked), "Set-Cookie": set_cookie})
        elif page == "token":
            # In the body alone: others do not look for a verifier in the address.
            fields = dict(urllib.parse.parse_qsl(body.decode()))
            self._json(ours.tokens(*self._client(fields), fields))
        elif page in ("mint", "end"):
            shown = self.headers.get("Authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {ours.config.token}".encode()):
                raise Refused("invalid_client")
            if page == "end":
                ours.end()
                self._json({})
                return
            order = json.loads(body)
            self._json({"token": ours.sign(order["claims"], **order.get("head", {}))})
        else:
            self._send(HTTPStatus.NOT_FOUND, b"", {})

    def _client(self, fields: Mapping[str, str]) -> tuple[str, str]:
        """Name and secret of the service that asks (RFC 6749, section 2.3.1)."""
        kind, _, pair = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            return urllib.parse.unquote(name), urllib.parse.unquote(secret)
        return fields.get("client_id", ""), fields.get("client_secret", "")

    @property
    def _cookie(self) -> str:
        pairs = (one.strip().partition("=") for one in self.headers.get("Cookie", "").split(";"))
        return next((value for name, _equals, value in pairs if name == COOKIE), "")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST:
            raise Refused("invalid_request")
        return self.rfile.read(int(length))

    def _form(self, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._page(_FORM.format(action=html.escape(self.path)), status)

    def _page(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _json(self, content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _led(self, where: str) -> None:
        self._send(HTTPStatus.FOUND, b"", {"Location": where})

    def _send(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Cache-Control": "no-store", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Log nothing."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not words[0].isdecimal():
        print("usage: world-sso PORT", file=sys.stderr)
        return 2
    handed = Path(os.environ["CREDENTIALS_DIRECTORY"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(handed / "chain.pem", handed / "key.pem")
    config = Config(**json.loads((handed / "provider.json").read_text("utf-8")))
    with Server(("", int(words[0])), Provider(config), context) as server:
        server.serve_forever()
    return 0
