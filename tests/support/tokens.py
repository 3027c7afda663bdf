"""Access tokens as the provider signs them, with a key of the test's or the lab's."""

import functools
import time
from dataclasses import dataclass
from typing import Any

from authlib.jose import JsonWebKey, JsonWebToken

ISSUER, CLIENT = "https://sso.test/", "portail"


@functools.cache
def made_key() -> str:
    """A private RSA key (PEM), the same all through the run."""
    key = JsonWebKey.generate_key("RSA", 2048, is_private=True)
    return str(key.as_pem(is_private=True), "ascii")


@functools.cache
def imported(private: str) -> Any:
    """A key as the library signs with it: reading it takes a tenth of a second, since its numbers are verified."""
    return JsonWebKey.import_key(private, {"kty": "RSA"})


@functools.cache
def public(private: str) -> str:
    """The public half of a key (PEM)."""
    return str(imported(private).as_pem(is_private=False), "ascii")


@dataclass(frozen=True)
class Minter:
    """Signs tokens. `clock` gives the seconds at which they begin."""

    issuer: str = ISSUER
    key: str = ""
    clock: Any = time.time
    kid: str = "ancienne"

    def sign(self, claims: dict[str, Any], typ: str = "at+JWT", algorithm: str = "RS256") -> str:
        """Any claims."""
        held = imported(self.key or made_key())
        signed = JsonWebToken([algorithm]).encode(
            {"alg": algorithm, "typ": typ, "kid": self.kid}, claims, held, check=False
        )
        return str(signed, "ascii")

    def claims(self, uid: str, **changed: Any) -> dict[str, Any]:
        """The claims of an access token; what is None is left out."""
        now = int(self.clock())
        whole = {"iss": self.issuer, "aud": [CLIENT], "client_id": CLIENT, "sub": uid, "iat": now, "exp": now + 300}
        return {name: value for name, value in (whole | changed).items() if value is not None}

    def access(self, uid: str, **changed: Any) -> str:
        """The access token of an agent who is logged in."""
        return self.sign(self.claims(uid, **changed))
