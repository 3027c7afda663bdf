"""A fixture of the exclusive tests."""

from __future__ import annotations

import pytest

from tests.stack.support.site import Site
from tests.stack.support.web import Web


@pytest.fixture(scope="module", autouse=True)
def present_authorities(site: Site, web: Web) -> None:
    """The tests' clients trust the lab's authority of today: a file before may have restarted it, with a new root."""
    web.trust(site.authorities(web.authorities.parent))
