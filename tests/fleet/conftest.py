"""Fixtures of the fleet's tests: those of the stack that do not care where a service runs. One test at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.conftest import ca_bundle, mail, people, plan, platform, site, web
from tests.stack.support.dav import Device
from tests.stack.support.groupware import Groupware
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

__all__ = ["ca_bundle", "mail", "people", "plan", "platform", "site", "web"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the lab of the fleet."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)


@pytest.fixture
def groupware(site: Site, ca_bundle: Path) -> Callable[[Account], Groupware]:
    """A visitor of SOGo."""
    return lambda account: Groupware(site, ca_bundle, account)


@pytest.fixture
def webmail(site: Site, web: Web) -> Callable[[], Webmail]:
    """A visitor of Roundcube."""
    return lambda: Webmail(web, site.address("web1"), site.platform["hostnames"]["webmail"])


@pytest.fixture
def device(site: Site, web: Web) -> Iterator[Callable[[Account], Device]]:
    """A device of an account; what Radicale holds of it goes with the test."""
    made: list[Account] = []

    def make(account: Account) -> Device:
        made.append(account)
        return Device(web, site.address("web1"), site.platform["hostnames"]["dav"], account)

    yield make
    folders = ("/var/lib/radicale/collections/collection-root", "/var/cache/radicale/collection-cache/collection-root")
    names = [f"{folder}/{one.uid}" for folder in folders for one in made if one.uid.startswith("essai-")]
    if names:
        site.run("web1", f"rm -rf -- {' '.join(names)}")
