"""An OpenID Connect provider in memory: it logs in whom a test says, and counts what it is asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from requests.adapters import BaseAdapter

from tests.support.tokens import CLIENT, ISSUER, Minter, made_key, public

SECRET = "un-secret-de-client-de-32-signes"
EVENT: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}


@dataclass
class FakeProvider(BaseAdapter):
    """Answers what a relying party asks. `changed` replaces claims of the next identity tokens."""

    clock: Callable[[], float]
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    key: str = field(default_factory=made_key)
    kid: str = "ancienne"
    sign_with: str = ""
    """Another key than the one that is published."""
    away: bool = False
    seconds: int = 300
    """The life of an access token."""
    rotates: bool = False
    """Whether each refresh token is good once."""
    busy: Callable[[], object] = lambda: None
    """Called while it renews tokens."""
    asked: list[dict[str, str]] = field(default_factory=list)
    keys_asked: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def minter(self) -> Minter:
        return Minter(key=self.sign_with or self.key, clock=self.clock, kid=self.kid)

    def mount(self, session: Any) -> None:
        """Have a session of the portal's come here."""
        session.mount("https://", self)

    # --- the browser ---

    def log_in(self, address: str, uid: str, since: int | None = None, **more: str) -> str:
        """The browser was sent here, and the agent logs in; the path and query to come back to.

        `since`: when the agent gave the password, of whom the provider knows already.
        """
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        since = int(self.clock()) if asked.get("prompt") == "login" or since is None else since
        self.codes[code] = asked | {"uid": uid, "sid": f"sid-{len(self.codes)}", "since": since}
        back = urlsplit(asked["redirect_uri"])
        assert back.scheme == "https"
        given = {"code": code, "state": asked["state"]} | more
        return f"{back.path}?" + "&".join(f"{name}={value}" for name, value in given.items() if value)

    def log_out_token(self, **changed: Any) -> str:
        """The token that tells of a log-out."""
        now = int(self.clock())
        claims = {"iss": ISSUER, "aud": [CLIENT], "iat": now, "exp": now + 120, "jti": "j", "events": EVENT} | changed
        return self.minter.sign({name: value for name, value in claims.items() if value is not None}, typ="logout+jwt")

    # --- the relying party ---

    def send(self, request: requests.PreparedRequest, *words: Any, **named: Any) -> requests.Response:
        if self.away:
            raise requests.ConnectionError
        path = urlsplit(str(request.url)).path
        if path.endswith("openid-configuration"):
            names = {"authorization": "authorize", "token": "token", "end_session": "logout"}
            content: dict[str, Any] = {f"{name}_endpoint": f"{ISSUER}oauth2/{path}" for name, path in names.items()}
            return self._answer(200, content | {"issuer": ISSUER, "jwks_uri": f"{ISSUER}oauth2/jwks"})
        if path.endswith("jwks"):
            self.keys_asked += 1
            key = JsonWebKey.import_key(public(self.key), {"kty": "RSA"})
            return self._answer(200, {"keys": [key.as_dict() | {"kid": self.kid}]})
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        given = {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append(given | {"authorization": str(request.headers["Authorization"])})
        return self._token(given)

    def _token(self, given: dict[str, str]) -> requests.Response:
        if given["grant_type"] == "refresh_token":
            self.busy()
            uid = self.sessions.get(given["refresh_token"])
            if uid is None:
                return self._answer(400, {"error": "invalid_grant"})
            told: dict[str, Any] = {"access_token": self.minter.access(uid), "expires_in": self.seconds}
            if self.rotates:
                # A refresh token is good once (RFC 9700, section 4.14.2).
                del self.sessions[given["refresh_token"]]
                told["refresh_token"] = f"{given['refresh_token']}-next"
                self.sessions[told["refresh_token"]] = uid
            return self._answer(200, told)
        begun = self.codes.pop(given["code"], None)
        if begun is None or create_s256_code_challenge(given["code_verifier"]) != begun["code_challenge"]:
            return self._answer(400, {"error": "invalid_grant"})
        assert begun["redirect_uri"] == given["redirect_uri"]
        assert begun["code_challenge_method"] == "S256"
        now = int(self.clock())
        claims = {
            "iss": ISSUER, "aud": [begun["client_id"]], "sub": begun["uid"], "iat": now, "exp": now + 300,
            "nonce": begun["nonce"], "name": "Marie Dupond", "profile_class": "roundcube", "sid": begun["sid"],
            "auth_time": begun["since"],
        } | self.changed  # fmt: skip
        token = self.minter.sign({name: value for name, value in claims.items() if value is not None}, typ="JWT")
        self.sessions[f"refresh-{begun['sid']}"] = begun["uid"]
        return self._answer(200, {
            "access_token": self.minter.access(begun["uid"]), "id_token": token, "expires_in": self.seconds,
            "refresh_token": f"refresh-{begun['sid']}", "token_type": "Bearer",
        })  # fmt: skip

    @staticmethod
    def _answer(status: int, content: dict[str, Any]) -> requests.Response:
        answer = requests.Response()
        answer.status_code = status
        answer._content = json.dumps(content).encode()
        return answer

    def close(self) -> None:
        """Nothing is open."""
