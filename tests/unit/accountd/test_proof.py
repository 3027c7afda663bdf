"""Tokens that prove a log-in, each wrong one beside the right one."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from authlib.jose import JsonWebKey
from malleposte.accountd.proof import LEEWAY, NoLogInError, Proofs, Provider

from tests.support.tokens import CLIENT, ISSUER, Minter, made_key, public

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
START = int(NOW.timestamp())
MINTER = Minter(clock=lambda: START)
PROVIDER = Provider(ISSUER, CLIENT, (public(made_key()),))


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
    both = Proofs(Provider(ISSUER, CLIENT, (public(new), *PROVIDER.keys)), clock)
    after = Proofs(Provider(ISSUER, CLIENT, (public(new),)), clock)
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


def test_the_uid_is_the_claim_that_is_given(clock: Clock) -> None:
    proofs = Proofs(Provider(ISSUER, CLIENT, PROVIDER.keys, "login"), clock)
    assert proofs.uid(MINTER.access("3f2c", login="mdupond")) == "mdupond"
    for login in (None, "", 7):
        with pytest.raises(NoLogInError):
            proofs.uid(MINTER.access("3f2c", login=login))
    proofs.end("mdupond")
    with pytest.raises(NoLogInError, match="were ended"):
        proofs.uid(MINTER.access("3f2c", login="mdupond"))
