"""The provider, as the portal asks it."""

from __future__ import annotations

from typing import Any

from malleposte_portal.provider import AUTHORITIES, Provider

from .provider import CLIENT, ISSUER, SECRET, FakeProvider


def test_an_authority_that_came_since_the_start_is_known(provider: FakeProvider) -> None:
    """With `verify` left at True, requests goes by the authorities of when the program started."""
    verified: list[Any] = []

    def seen(session: Any) -> None:
        verified.append(session.verify)
        provider.mount(session)

    Provider(ISSUER, CLIENT, SECRET, http=seen).start("https://pia.test/connexion/retour")
    assert set(verified) == {AUTHORITIES}
