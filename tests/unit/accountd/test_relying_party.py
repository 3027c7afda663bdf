"""The provider, as its clients ask it."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from malleposte.accountd.relying_party import AUTHORITIES, Agent, AwayError, RefusedError, RelyingParty

from tests.support.provider import SECRET, FakeProvider
from tests.support.tokens import CLIENT, ISSUER

NOW = 1_900_000_000.0
BACK = "https://pia.test/connexion/retour"


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(lambda: NOW)


def test_an_authority_that_came_since_the_start_is_known(provider: FakeProvider) -> None:
    """With `verify` left at True, requests goes by the authorities of when the program started."""
    verified: list[Any] = []

    def seen(session: Any) -> None:
        verified.append(session.verify)
        provider.mount(session)

    RelyingParty(ISSUER, CLIENT, SECRET, http=seen).start(BACK)
    assert set(verified) == {AUTHORITIES}


def test_the_uid_is_the_claim_that_is_given(provider: FakeProvider) -> None:
    asked = RelyingParty(ISSUER, CLIENT, SECRET, uid_claim="login", http=provider.mount, clock=provider.clock)

    def redeemed() -> Agent:
        begun = asked.start(BACK)
        code = dict(parse_qsl(urlsplit(provider.log_in(begun.address, "3f2c")).query))["code"]
        return asked.redeem(code, begun.verifier, BACK)[0]

    with pytest.raises(RefusedError, match="names nobody"):
        redeemed()
    provider.changed = {"login": "mdupond"}
    assert redeemed().uid == "mdupond"
    # A log-out token has the standard claims alone: the session that it names ends.
    assert asked.ended(provider.log_out_token(sub="3f2c", sid="sid-0")) == ("sid-0", "")
    assert asked.ended(provider.log_out_token(sub="3f2c", login="mdupond")) == ("", "mdupond")
    with pytest.raises(RefusedError, match="neither a session nor an agent"):
        asked.ended(provider.log_out_token(sub="3f2c"))


def test_the_algorithm_and_the_scopes_are_those_that_are_given(provider: FakeProvider) -> None:

    def redeemed(*algorithms: str) -> str:
        asked = RelyingParty(
            ISSUER, CLIENT, SECRET, algorithms=algorithms, scope="openid interne", http=provider.mount,
            clock=provider.clock,
        )  # fmt: skip
        begun = asked.start(BACK)
        assert dict(parse_qsl(urlsplit(begun.address).query))["scope"] == "openid interne"
        code = dict(parse_qsl(urlsplit(provider.log_in(begun.address, "mdupond")).query))["code"]
        return asked.redeem(code, begun.verifier, BACK)[0].uid

    assert redeemed("ES256", "RS256") == "mdupond"
    with pytest.raises(RefusedError):
        redeemed("ES256")


def test_no_browser_is_led_to_a_provider_that_went_away(provider: FakeProvider) -> None:
    now = [NOW]
    asked = RelyingParty(ISSUER, CLIENT, SECRET, http=provider.mount, clock=lambda: now[0])
    asked.start(BACK)
    provider.away = True
    now[0] += 9
    asked.start(BACK)
    now[0] += 1
    with pytest.raises(AwayError):
        asked.start(BACK)
    assert asked.log_out("jeton", BACK).startswith(f"{ISSUER}oauth2/logout?")
    provider.away = False
    assert asked.start(BACK).address.startswith(f"{ISSUER}oauth2/authorize?")


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256")])
def test_a_token_does_not_choose_how_it_is_verified(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no algorithm of tokens"):
        RelyingParty(ISSUER, CLIENT, SECRET, algorithms=algorithms)
