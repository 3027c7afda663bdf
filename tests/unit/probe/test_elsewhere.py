"""The probe where agents log in by the academy's own provider: it answers, its keys are known, services lead there."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from malleposte.probe.walker import walk
from malleposte.probe.walker.https import Answer, Browser
from malleposte.probe.walker.paths import elsewhere, web
from malleposte.probe.walker.plan import Elsewhere, NotTestedError, PathError

from tests.unit.probe.test_paths import make_plan

ISSUER = "https://id.autre.test:8444/realms/academie"
THEIRS = Elsewhere(ISSUER, "https://id.autre.test:8444/auth", ["ES256"], ["ec-1", "ec-0"])
KEYS = [
    {"kid": "ec-1", "use": "sig", "alg": "ES256"},
    {"kid": "chiffrement", "use": "enc", "alg": "ES256"},
    {"kid": "rsa", "alg": "RS256"},
]
PLAN = make_plan(hosts={"webmail": "webmail.test", "groupware": "agenda.test"}, provider=asdict(THEIRS))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A provider and services that answer; what they say may be changed. Under `seen`: what was asked, and where."""
    told: dict[str, Any] = {
        "document": {"issuer": ISSUER, "jwks_uri": "https://id.autre.test:8444/jwks"},
        "keys": KEYS,
        "leads": f"{THEIRS.authorization_endpoint}?client_id=x",
        "seen": [],
    }

    def request(self: Browser, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        told["seen"].append((self.name, self.plan.port("https"), path))
        if path.startswith("/realms"):
            return Answer(200, {}, json.dumps(told["document"]).encode())
        if path == "/jwks":
            return Answer(200, {}, json.dumps({"keys": told["keys"]}).encode())
        return Answer(302, {"location": told["leads"]}, b"")

    monkeypatch.setattr(Browser, "request", request)
    return told


def test_a_provider_whose_keys_are_known_is_fine(asked: dict[str, Any]) -> None:
    assert elsewhere.provider(PLAN) == "discovery document, 1 known key(s)"
    assert asked["seen"] == [
        ("id.autre.test", 8444, "/realms/academie/.well-known/openid-configuration"),
        ("id.autre.test", 8444, "/jwks"),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"document": {"issuer": "https://id.autre.test/", "jwks_uri": "https://id.autre.test/jwks"}}, "the issuer is"),
        ({"document": {"issuer": ISSUER}}, "the keys: nothing is no https address"),
        ({"keys": []}, "no key to check tokens with"),
        ({"keys": [*KEYS, {"kid": "ec-2"}]}, "it publishes the key ec-2, which malleposte_sso.jwks does not hold"),
    ],
)
def test_faults_are_named(asked: dict[str, Any], changed: dict[str, Any], said: str) -> None:
    asked |= changed
    with pytest.raises(PathError, match=said):
        elsewhere.provider(PLAN)


@pytest.mark.parametrize("path", [web.roundcube, web.sogo])
def test_both_webmails_lead_there_and_nobody_logs_in(asked: dict[str, Any], path: Any) -> None:
    assert "does not log in" in path(PLAN)
    assert len(asked["seen"]) == 1
    asked["leads"] = "https://sso.test/oauth2/authorize?client_id=x"
    with pytest.raises(PathError, match=r"leads to https://sso.test/oauth2/authorize, not"):
        path(PLAN)


def test_each_kind_of_log_in_page_has_its_own_paths() -> None:
    ours = {"sso", "signing-key"}
    assert ours <= set(walk.choose(make_plan(), ())) and "provider" not in walk.choose(make_plan(), ())
    assert "provider" in walk.choose(PLAN, ()) and not ours & set(walk.choose(PLAN, ()))
    with pytest.raises(NotTestedError):
        elsewhere.provider(make_plan())
