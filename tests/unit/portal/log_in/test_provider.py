"""The provider, as the portal asks it."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from malleposte_portal.log_in.provider import AUTHORITIES, Agent, Provider, RefusedError

from tests.support.tokens import CLIENT, ISSUER
from tests.unit.portal.provider import SECRET, FakeProvider


def test_an_authority_that_came_since_the_start_is_known(provider: FakeProvider) -> None:
    """With `verify` left at True, requests goes by the authorities of when the program started."""
    verified: list[Any] = []

    def seen(session: Any) -> None:
        verified.append(session.verify)
        provider.mount(session)

    Provider(ISSUER, CLIENT, SECRET, http=seen).start("https://pia.test/connexion/retour")
    assert set(verified) == {AUTHORITIES}


def test_the_uid_is_the_claim_that_is_given(provider: FakeProvider) -> None:
    back = "https://pia.test/connexion/retour"
    asked = Provider(ISSUER, CLIENT, SECRET, uid_claim="login", http=provider.mount, clock=provider.clock)

    def redeemed() -> Agent:
        begun = asked.start(back)
        code = dict(parse_qsl(urlsplit(provider.log_in(begun.address, "3f2c")).query))["code"]
        return asked.redeem(code, begun.nonce, begun.verifier, back)[0]

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
    back = "https://pia.test/connexion/retour"

    def redeemed(*algorithms: str) -> str:
        asked = Provider(
            ISSUER, CLIENT, SECRET, algorithms=algorithms, scope="openid interne", http=provider.mount,
            clock=provider.clock,
        )  # fmt: skip
        begun = asked.start(back)
        assert dict(parse_qsl(urlsplit(begun.address).query))["scope"] == "openid interne"
        code = dict(parse_qsl(urlsplit(provider.log_in(begun.address, "mdupond")).query))["code"]
        return asked.redeem(code, begun.nonce, begun.verifier, back)[0].uid

    assert redeemed("ES256", "RS256") == "mdupond"
    with pytest.raises(RefusedError):
        redeemed("ES256")
