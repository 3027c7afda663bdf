"""The provider of another house on the lab's Internet (role world_sso), and the fact by which the platform takes it."""

import json
import secrets
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.jose import JsonWebKey
from malleposte.dev.world import world_sso

from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

CLIENTS = {"portal": "portail-ac", "roundcube": "roundcube-ac", "sogo": "sogo-ac"}
FORM = "application/x-www-form-urlencoded"


def fact(issuer: str, key: str, client_secrets: Mapping[str, str]) -> dict[str, Any]:
    """`malleposte_sso` for it; `key` is what it signs with (PEM), `client_secrets` are by the names that it knows."""
    public = JsonWebKey.import_key(key, {"kty": "EC"}).as_dict(is_private=False)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "end_session_endpoint": f"{issuer}/logout",
        "factors_page": f"{issuer}/facteurs",
        "jwks": {"keys": [{**public, "kid": world_sso.KID, "alg": "ES256", "use": "sig"}]},
        "algorithms": ["ES256"],
        "uid_claim": world_sso.UID_CLAIM,
        "scopes": ["openid", "profile"],
        "mail_scope": world_sso.MAIL_SCOPE,
        "token_type": "JWT",
        "audience": world_sso.AUDIENCE,
        "clients": {name: {"id": ident, "secret": client_secrets[ident]} for name, ident in CLIENTS.items()},
        "second_factor": {"acr": [world_sso.TWO], "amr": []},
    }


@dataclass
class Another:
    """One browser at that provider."""

    site: Site
    web: Web
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its public name."""
        return str(self.site.variables("world")["lab_sso_name"])

    @property
    def issuer(self) -> str:
        """As its tokens name it."""
        return f"https://{self.name}:8444/realms/academie"

    def fact(self) -> dict[str, Any]:
        """`malleposte_sso` for it, with its key and secrets."""
        known = {ident: self.site.secret(f"world-sso-{name}").strip() for name, ident in CLIENTS.items()}
        return fact(self.issuer, self.site.secret("world-sso-key"), known)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request; cookies are kept."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        address = f"{self.site.address('world')}:8444"
        answer = self.web.get(address, self.name, path, plain=False, method=method, body=body, **sent)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
        return answer

    def inner(self, address: str) -> str:
        """Path and query of an address of its own; empty for any other."""
        split = urllib.parse.urlsplit(address)
        mine = split.netloc == f"{self.name}:8444"
        return urllib.parse.urlunsplit(("", "", split.path, split.query, "")) if mine else ""

    def log_in(self, uid: str, address: str, code: str = "") -> str:
        """Fill in its form at an address to which a service leads; the address to which it leads back.

        With any `code` it is a log-in with a second factor.
        """
        path = self.inner(address)
        assert path, address
        given = {"user": uid, "password": self.site.secret("world-sso-password").strip(), "code": code}
        answer = self.ask(path, "POST", urllib.parse.urlencode(given).encode(), Content_Type=FORM)
        assert answer.status == 303, answer.text[:300]
        return str(answer.headers["Location"])

    def follow(self, address: str) -> str:
        """The address to which it leads a browser that it knows, or has logged out; empty where it shows a page."""
        return str(self.ask(self.inner(address)).headers["Location"] or "")

    def mint(self, uid: str, client: str = "roundcube-ac", **changed: Any) -> str:
        """An access token that it signs, of whatever content; what is None is left out.

        `head` is what it says of itself.
        """
        now, head = int(time.time()), changed.pop("head", {})
        claims = {
            "iss": self.issuer, "sub": secrets.token_hex(8), "aud": [world_sso.AUDIENCE, "autre"], "azp": client,
            "scope": f"openid {world_sso.MAIL_SCOPE}", world_sso.UID_CLAIM: uid, "acr": world_sso.ONE,
            "iat": now, "exp": now + world_sso.SECONDS, "typ": "Bearer", "roles": ["agents", "monde"],
        } | changed  # fmt: skip
        told = {"claims": {name: value for name, value in claims.items() if value is not None}, "head": head}
        token = self.site.secret("world-sso-token").strip()
        answer = self.ask("/realms/academie/mint", "POST", json.dumps(told).encode(), Authorization=f"Bearer {token}")
        assert answer.status == 200, answer.text
        return str(json.loads(answer.text)["token"])
