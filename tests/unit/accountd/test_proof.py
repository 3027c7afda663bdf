"""Tokens that prove a log-in, each wrong one beside the right one."""

import base64
import datetime
import json
from dataclasses import replace
from typing import Any

import pytest
from authlib.jose import JsonWebKey, JsonWebToken
from malleposte.accountd.proof import LATELY, LEEWAY, NoLogInError, Proofs, Provider

from tests.support.tokens import CLIENT, ISSUER, Minter, imported, made_key, public

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
START = int(NOW.timestamp())
MINTER = Minter(clock=lambda: START)
PROVIDER = Provider(ISSUER, {CLIENT: CLIENT}, (public(made_key()),))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proofs(clock: Clock) -> Proofs:
    return Proofs(PROVIDER, clock)


def test_a_token_of_a_log_in_names_its_owner(proofs: Proofs) -> None:
    assert proofs.uid(MINTER.access("mdupond")) == "mdupond"
    assert proofs.uid(MINTER.access("mdupond", aud=CLIENT)) == "mdupond"


def test_a_key_that_signed_before_proves_what_it_signed(clock: Clock) -> None:
    new = JsonWebKey.generate_key("RSA", 2048, is_private=True).as_pem(is_private=True).decode()
    later = Minter(clock=lambda: START, key=new)
    both = Proofs(Provider(ISSUER, {CLIENT: CLIENT}, (public(new), *PROVIDER.keys)), clock)
    after = Proofs(Provider(ISSUER, {CLIENT: CLIENT}, (public(new),)), clock)
    assert both.uid(MINTER.access("mdupond")) == both.uid(later.access("mdupond")) == "mdupond"
    assert after.uid(later.access("mdupond")) == "mdupond"
    with pytest.raises(NoLogInError, match="bad_signature"):
        after.uid(MINTER.access("mdupond"))
    clock.go(300 + LEEWAY + 1)
    with pytest.raises(NoLogInError, match="expired"):
        both.uid(MINTER.access("mdupond"))


@pytest.mark.parametrize(
    ("level", "by_factor"),
    [(None, False), (2, False), (3, False), (4, True), (5, True), ("5", False), (True, False), ([5], False)],
)
def test_a_token_says_whether_a_second_factor_was_shown(proofs: Proofs, level: Any, by_factor: bool) -> None:
    assert proofs.proved(MINTER.access("mdupond", level=level)).by_factor is by_factor


@pytest.mark.parametrize(
    ("claims", "lately"),
    [
        ({"level": 4, "auth_time": START - LATELY}, True),
        ({"level": 4, "auth_time": START - LATELY - 1}, False),
        ({"level": 3, "auth_time": START}, False),
        ({"level": 4}, False),
        ({"level": 4, "auth_time": str(START)}, False),
        ({"level": 4, "auth_time": True}, False),
    ],
)
def test_a_token_says_whether_the_factor_was_shown_lately(proofs: Proofs, claims: dict[str, Any], lately: bool) -> None:
    assert proofs.proved(MINTER.access("mdupond", **claims)).lately is lately


def test_the_time_of_the_proofs_is_the_provider_s_claim(clock: Clock) -> None:
    ours = Proofs(replace(PROVIDER, time_claim="level_time"), clock)
    assert ours.proved(MINTER.access("mdupond", level=5, level_time=START)).lately
    assert not ours.proved(MINTER.access("mdupond", level=5, auth_time=START)).lately
    clock.go(250)
    assert ours.proved(MINTER.access("mdupond", level=5, level_time=START)).age == 250


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://autre.test/"},
        {"aud": ["roundcube"]},
        {"client_id": "roundcube"},
        {"sub": ""},
        {"sub": 7},
        {"exp": START - LEEWAY - 1},
        {"iat": START + LEEWAY + 1},
        {"nbf": START + LEEWAY + 1},
        {"exp": "demain"},
        *({name: None} for name in ("iss", "aud", "client_id", "sub", "exp", "iat")),
    ],
    ids=str,
)
def test_what_is_not_for_the_portal_now_proves_nothing(proofs: Proofs, changed: dict[str, Any]) -> None:
    with pytest.raises(NoLogInError):
        proofs.uid(MINTER.access("mdupond", **changed))


def test_who_signed_it_and_how_is_not_up_to_the_token(proofs: Proofs) -> None:
    good = MINTER.access("mdupond")
    head, body, signature = good.split(".")

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    other = str(JsonWebKey.generate_key("RSA", 2048, is_private=True).as_pem(is_private=True), "ascii")
    wrong = {
        "another key": Minter(key=other, clock=lambda: START).access("mdupond"),
        "another algorithm": MINTER.sign(MINTER.claims("mdupond"), algorithm="RS512"),
        "no signature": f"{part({'alg': 'none', 'typ': 'at+JWT'})}.{body}.",
        "other claims": f"{head}.{part(MINTER.claims('chef'))}.{signature}",
        "an identity token": MINTER.sign(MINTER.claims("mdupond"), typ="JWT"),
        "nothing": "",
        "no token": "mdupond",
        "not base64": "é.é.é",
    }
    for name, token in wrong.items():
        with pytest.raises(NoLogInError):
            print(name, proofs.uid(token))
    assert proofs.uid(good) == "mdupond"


def test_it_dies_with_the_sessions_of_its_owner_and_a_later_one_lives(proofs: Proofs, clock: Clock) -> None:
    before, other = MINTER.access("mdupond"), MINTER.access("autre")
    clock.go(5)
    proofs.end("mdupond")
    with pytest.raises(NoLogInError, match="were ended"):
        proofs.uid(before)
    assert proofs.uid(other) == "autre"
    assert proofs.uid(MINTER.access("mdupond", iat=START + 6)) == "mdupond"


def test_it_ends_by_itself(proofs: Proofs, clock: Clock) -> None:
    token = MINTER.access("mdupond")
    clock.go(300)
    assert proofs.uid(token) == "mdupond"
    clock.go(LEEWAY + 1)
    with pytest.raises(NoLogInError, match="expired"):
        proofs.uid(token)


def test_without_a_provider_nobody_is_logged_in() -> None:
    with pytest.raises(NoLogInError, match="no provider"):
        Proofs().uid(MINTER.access("mdupond"))


EC = JsonWebKey.generate_key("EC", "P-256", is_private=True)
OTHER_EC = JsonWebKey.generate_key("EC", "P-256", is_private=True)


def jwk(key: Any, **more: str) -> dict[str, str]:
    """The public half of a key, as a provider publishes it."""
    return {**key.as_dict(is_private=False), **more}


ELSEWHERE = Provider(
    "https://id.autre.test/realms/academie",
    {"roundcube-ac": "compte", "sogo-ac": "compte"},
    [jwk(EC, kid="ec-1", alg="ES256"), jwk(imported(made_key()), kid="rsa-1")],
    "login",
    ("ES256", "PS256"),
    typed=False,
    scope="courriel",
    level_claim="",
    acr=("urn:deux",),
    amr=("otp", "hwk"),
)
"""A provider that is not ours: names its clients by `azp`, types no token, signs with another algorithm."""


def theirs(algorithm: str = "ES256", key: Any = EC, kid: str = "ec-1", typ: str = "JWT", **changed: Any) -> str:
    """An access token of that provider."""
    claims = {"iss": ELSEWHERE.issuer, "aud": ["compte"], "azp": "roundcube-ac", "sub": "3f2c", "login": "mdupond",
              "scope": "openid courriel", "iat": START, "exp": START + 300} | changed  # fmt: skip
    head = {"alg": algorithm, "typ": typ, "kid": kid}
    told = {name: value for name, value in claims.items() if value is not None}
    return str(JsonWebToken([algorithm]).encode(head, told, key, check=False), "ascii")


def test_a_provider_that_is_not_ours_is_believed_by_its_own_rules(clock: Clock) -> None:
    proofs = Proofs(ELSEWHERE, clock)
    good = [
        theirs(),
        theirs(aud="compte"),
        theirs(azp="sogo-ac"),
        theirs(azp=None, client_id="sogo-ac"),
        theirs(scope=None, scp=["openid", "courriel"]),
        theirs(typ="at+jwt"),
        theirs("PS256", imported(made_key()), "rsa-1"),
    ]
    assert [proofs.uid(one) for one in good] == ["mdupond"] * len(good)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": ISSUER},
        {"aud": ["roundcube-ac"]},
        {"azp": "intranet"},
        {"azp": None},
        {"client_id": "intranet"},
        {"scope": "openid"},
        {"scope": None},
        {"scope": "courriels"},
        {"login": None},
        {"nonce": "un-nonce"},
        {"exp": START - LEEWAY - 1},
        {"key": OTHER_EC},
        {"kid": "rsa-1"},
        {"kid": "inconnue"},
        {"algorithm": "RS256", "key": imported(made_key()), "kid": "rsa-1"},
        {"algorithm": "HS256", "key": JsonWebKey.import_key("x" * 48, {"kty": "oct"}), "kid": "ec-1"},
        {"algorithm": "none", "key": ""},
    ],
)
def test_what_that_provider_did_not_give_a_webmail_proves_nothing(clock: Clock, wrong: dict[str, Any]) -> None:
    proofs = Proofs(ELSEWHERE, clock)
    with pytest.raises(NoLogInError):
        proofs.uid(theirs(**wrong))
    assert proofs.uid(theirs()) == "mdupond"


@pytest.mark.parametrize(
    ("claims", "by_factor"),
    [
        ({}, False),
        ({"level": 5}, False),
        ({"acr": "urn:un"}, False),
        ({"acr": "urn:deux"}, True),
        ({"acr": ["urn:deux"]}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": ["pwd", "otp"]}, True),
        ({"amr": "hwk"}, True),
    ],
    ids=str,
)
def test_that_provider_says_in_its_own_words_that_a_factor_was_shown(
    clock: Clock, claims: dict[str, Any], by_factor: bool
) -> None:
    assert Proofs(ELSEWHERE, clock).proved(theirs(**claims)).by_factor is by_factor


def test_a_log_in_from_before_the_end_of_sessions_is_not_renewed_for_ever(clock: Clock) -> None:
    proofs = Proofs(ELSEWHERE, clock)
    proofs.end("mdupond")
    clock.go(60)
    with pytest.raises(NoLogInError, match="were ended"):
        proofs.uid(theirs(iat=START + 50, auth_time=START - 10))
    assert proofs.uid(theirs(iat=START + 50, auth_time=START + 20)) == "mdupond"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"keys": []}, "without keys"),
        ({"clients": {}}, "without clients"),
        ({"algorithms": ["none"]}, "none is no algorithm"),
        ({"algorithms": ["HS256"]}, "HS256 is no algorithm"),
        ({"algorithms": []}, "no algorithm"),
        ({"scope": ""}, "need a scope"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "no kind of keys"),
    ],
)
def test_a_provider_that_could_not_be_believed_is_refused(changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(ELSEWHERE, **changed)


def test_the_uid_is_the_claim_that_is_given(clock: Clock) -> None:
    proofs = Proofs(Provider(ISSUER, {CLIENT: CLIENT}, PROVIDER.keys, "login"), clock)
    assert proofs.uid(MINTER.access("3f2c", login="mdupond")) == "mdupond"
    for login in (None, "", 7):
        with pytest.raises(NoLogInError):
            proofs.uid(MINTER.access("3f2c", login=login))
    proofs.end("mdupond")
    with pytest.raises(NoLogInError, match="were ended"):
        proofs.uid(MINTER.access("3f2c", login="mdupond"))
