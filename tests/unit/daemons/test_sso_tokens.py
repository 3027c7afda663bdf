"""Answers to Dovecot about a token of the academy's own provider: a right one names its agent, any other nobody."""

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from authlib.jose import JsonWebKey, JsonWebToken
from malleposte.accountd.proof import Proofs, Provider
from malleposte.daemons import sso_tokens
from malleposte.runtime import http

KEY = JsonWebKey.generate_key("EC", "P-256", is_private=True)
GIVEN: dict[str, Any] = {
    "issuer": "https://id.autre.test/",
    "clients": {"roundcube-ac": "roundcube-ac", "sogo-ac": "sogo-ac"},
    "keys": [{**KEY.as_dict(is_private=False), "kid": "ec-1"}],
    "uid_claim": "login",
    "algorithms": ["ES256"],
    "typed": False,
    "scope": "courriel",
    "level_claim": "",
    "time_claim": "auth_time",
    "acr": [],
    "amr": [],
}


def token(**changed: Any) -> str:
    """An access token, of Roundcube unless a test says otherwise."""
    now = int(time.time())
    claims = {"iss": GIVEN["issuer"], "aud": ["roundcube-ac", "compte"], "azp": "roundcube-ac", "login": "mdupond",
              "scope": "openid courriel", "iat": now, "exp": now + 60, "roles": ["a", "b"]} | changed  # fmt: skip
    return str(JsonWebToken(["ES256"]).encode({"alg": "ES256", "typ": "JWT", "kid": "ec-1"}, claims, KEY), "ascii")


def asked(body: str | bytes, method: str = "POST", target: str = "/") -> tuple[int, Any]:
    """Status and document."""
    server = sso_tokens.Server(Proofs(Provider(**GIVEN)))
    told = body if isinstance(body, bytes) else body.encode()
    status, _headers, sent = asyncio.run(server.respond(http.Request(method, target, {}, told)))
    return status, json.loads(sent) if sent else None


def about(given: str) -> Any:
    """The document about a token."""
    status, told = asked(urlencode({"token": given}))
    assert status == 200
    return told


def test_a_token_of_a_webmail_names_its_agent() -> None:
    assert about(token()) == {"active": True, "username": "mdupond"}
    assert about(token(azp="sogo-ac", aud="sogo-ac")) == {"active": True, "username": "mdupond"}


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.autre.test"},
        {"azp": "intranet", "aud": "intranet"},
        {"azp": "sogo-ac"},
        {"scope": "openid"},
        {"exp": 1},
        {"login": ""},
        {"login": "-"},
        {"login": "mdupond)(uid=*"},
        {"login": "Marie Dupond"},
        {"login": ["mdupond"]},
    ],
    ids=str,
)
def test_any_other_names_nobody(changed: dict[str, Any]) -> None:
    assert about(token(**changed)) == {"active": False, "username": "-"}


def test_what_is_no_token_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    good = token()
    for given in ("x", "a.b.c", good[:-8] + "AAAAAAAA", good.partition(".")[2]):
        assert about(given) == sso_tokens.REFUSED
    assert "a token was refused" in caplog.text
    assert good.split(".")[1] not in caplog.text


@pytest.mark.parametrize(
    ("body", "method", "target", "status"),
    [
        ("", "POST", "/", 400),
        ("other=x", "POST", "/", 400),
        ("token=a&token=b", "POST", "/", 400),
        (b"token=\xff", "POST", "/", 400),
        ("token=x", "GET", "/", 404),
        ("token=x", "POST", "/introspect", 404),
    ],
)
def test_what_is_no_question_is_refused(body: str | bytes, method: str, target: str, status: int) -> None:
    assert asked(body, method, target) == (status, None)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [({"scope": ""}, "scope is missing"), ({"keys": []}, "without keys"), ({"algorithms": ["none"]}, "no algorithm")],
)
def test_settings_that_would_let_anybody_in_are_refused(tmp_path: Path, changed: dict[str, Any], fault: str) -> None:
    path = tmp_path / "sso-tokens.json"
    path.write_text(json.dumps(GIVEN))
    sso_tokens.Config.read(path)
    path.write_text(json.dumps(GIVEN | changed))
    with pytest.raises(ValueError, match=fault):
        sso_tokens.Config.read(path)
