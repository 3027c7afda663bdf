"""The academy's own provider of tests: a fact `malleposte_sso` that differs from our log-in page wherever it can."""

from typing import Any

from authlib.jose import JsonWebKey

_KEY = JsonWebKey.generate_key("EC", "P-256", is_private=False)
OWN_PROVIDER: dict[str, Any] = {
    "issuer": "https://id.autre.test/realms/academie",
    "authorization_endpoint": "https://id.autre.test/auth",
    "token_endpoint": "https://jetons.autre.test/t",
    "end_session_endpoint": "https://id.autre.test/fin",
    "leave_page": "https://id.autre.test/fin?autre",
    "factors_page": "https://id.autre.test/facteurs",
    "jwks": {
        "keys": [
            {**_KEY.as_dict(is_private=False), "kid": "ec-1", "alg": "ES256", "use": "sig", "x5c": ["MII"]},
            {"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "chiffrement", "n": "AQAB", "e": "AQAB"},
        ]
    },
    "algorithms": ["ES256"],
    "uid_claim": "login",
    "scopes": ["openid", "profile"],
    "mail_scope": "courriel",
    "token_type": "JWT",
    "audience": "compte",
    "clients": {
        name: {"id": f"{ident}-ac", "secret": f"secret-de-{ident}-assez-long-pour-nous"}
        for name, ident in (("portal", "portail"), ("roundcube", "roundcube"), ("sogo", "sogo"))
    },
    "second_factor": {"acr": ["urn:deux"], "amr": ["otp"]},
}
