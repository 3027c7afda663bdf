"""The academy's own provider: what is wrong with a fact, and what services are told of a right one."""

import copy
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import sign_on
from authlib.jose import JsonWebKey

from tests.support.sign_on import OWN_PROVIDER

RSA = {**JsonWebKey.generate_key("RSA", 2048, is_private=True).as_dict(is_private=False), "kid": "rsa-1"}
SMALL = {**JsonWebKey.generate_key("RSA", 1024, is_private=True).as_dict(is_private=False), "kid": "rsa-0"}
P384 = {**JsonWebKey.generate_key("EC", "P-384", is_private=True).as_dict(is_private=False), "kid": "ec-0"}
PRIVATE = {**JsonWebKey.generate_key("EC", "P-256", is_private=True).as_dict(is_private=True), "kid": "ec-9"}
EC = OWN_PROVIDER["jwks"]["keys"][0]


def told(**changed: Any) -> list[str]:
    """The faults of the provider of tests with other values, one line each; what is None is left out."""
    whole = {key: value for key, value in (OWN_PROVIDER | changed).items() if value is not None}
    return [f"{'.'.join(map(str, path))}: {fault}" for path, fault in sign_on.faults(whole)]


def keys(*listed: Any) -> dict[str, Any]:
    return {"keys": list(listed)}


def clients(**changed: Any) -> dict[str, Any]:
    """Its clients, with another `id` or `secret` of some."""
    made: dict[str, Any] = copy.deepcopy(OWN_PROVIDER["clients"])
    for name, other in changed.items():
        made[name] |= other
    return made


def test_nothing_is_wrong_with_a_whole_one_or_with_none() -> None:
    assert told() == []
    assert list(sign_on.faults({})) == list(sign_on.faults({"algorithms": ["RS256"], "scopes": ["openid"]})) == []
    assert sign_on.said(OWN_PROVIDER) and not sign_on.said({"uid_claim": "sub"})


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"issuer": None}, ": the key issuer is missing"),
        ({"end_session_endpoint": None}, ": the key end_session_endpoint is missing"),
        ({"clients": None}, ": the key clients is missing"),
        ({"jwks": None}, ": the key jwks is missing"),
        ({"algorithms": []}, "algorithms: is empty: no token could be believed"),
        ({"algorithms": ["none", "ES256"]}, "algorithms.0: 'none' is none of RS256, PS256, ES256"),
        ({"algorithms": ["ES256", "RS256"]}, "jwks.keys: no key for RS256; see what its jwks_uri answers"),
        ({"jwks": keys(RSA)}, "jwks.keys: no key for ES256; see what its jwks_uri answers"),
        (
            {"jwks": keys(EC, {**EC, "kid": ""})},
            "jwks.keys.1: has no kid, by which a token names the key that signed it",
        ),
        ({"jwks": keys(EC, {**P384, "alg": "ES256"})}, "jwks.keys.1: is on the curve P-384, P-256 is needed for ES256"),
        ({"jwks": keys(EC, {**EC, "x": "é"})}, "jwks.keys.1: is no key: its numbers cannot be read"),
        ({"scopes": ["profile"]}, "scopes: openid is missing: without it the provider says of nobody who it is"),
        (
            {"mail_scope": "a b"},
            "mail_scope: 'a b' must be one word that no other service asks for: it opens mailboxes",
        ),
        (
            {"mail_scope": "openid"},
            "mail_scope: 'openid' must be one word that no other service asks for: it opens mailboxes",
        ),
        ({"clients": clients(sogo={"secret": "court"})}, "clients.sogo.secret: has less than 24 characters"),
    ],
)
def test_one_line_names_the_key_and_what_is_wrong(changed: dict[str, Any], fault: str) -> None:
    assert told(**changed) == [fault]
    with pytest.raises(sign_on.SignOnError, match="malleposte_sso"):
        sign_on.described({key: value for key, value in (OWN_PROVIDER | changed).items() if value is not None})


def test_a_key_that_is_small_or_secret_is_refused() -> None:
    assert told(algorithms=["RS256"], jwks=keys(RSA, SMALL)) == ["jwks.keys.1: has 1024 bits, 2048 at least are needed"]
    (fault,) = told(jwks=keys(EC, PRIVATE))
    assert fault.startswith("jwks.keys.1: holds a secret") and PRIVATE["d"] not in fault


def test_two_services_of_one_name_are_refused() -> None:
    faults = told(clients=clients(sogo={"id": "roundcube-ac"}))
    assert [one.partition(":")[0] for one in faults] == ["clients.roundcube.id", "clients.sogo.id"]


def test_keys_of_other_uses_and_kinds_are_left_out_with_what_makes_no_key() -> None:
    (key,) = sign_on.keys(OWN_PROVIDER)
    assert key == {name: EC[name] for name in ("kty", "kid", "alg", "crv", "x", "y")}
    both = sign_on.keys(OWN_PROVIDER | {"algorithms": ["PS256", "ES256"], "jwks": keys(RSA, EC)})
    assert [one["kid"] for one in both] == ["rsa-1", "ec-1"]
    assert set(both[0]) == {"kty", "kid", "n", "e"}


def test_what_is_not_said_has_a_place_all_the_same() -> None:
    whole = {key: value for key, value in OWN_PROVIDER.items() if key not in ("leave_page", "factors_page")}
    found = sign_on.described(whole)
    assert (found["leave_page"], found["factors_page"]) == (whole["end_session_endpoint"], "")
    assert found["origins"] == ["https://id.autre.test"]
    assert not found["proof"]["typed"]
    assert sign_on.described(whole | {"token_type": "at+jwt"})["proof"]["typed"]


def test_a_client_s_audience_is_its_own_name_unless_all_have_one() -> None:
    assert {one["audience"] for one in sign_on.clients(OWN_PROVIDER).values()} == {"compte"}
    apart = sign_on.clients(OWN_PROVIDER | {"audience": ""})
    assert {name: one["audience"] for name, one in apart.items()} == {name: one["id"] for name, one in apart.items()}
