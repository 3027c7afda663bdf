"""Fixtures of the browser tests: those of the stack tests that they need, and a fresh Chromium a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, PHONE, PICTURES, Browser, Size, pin, start
from tests.stack.conftest import ca_bundle, enters, mail, people, person, plan, platform, site
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Site

__all__ = ["ca_bundle", "enters", "mail", "people", "person", "plan", "platform", "site"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the lab and a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def addresses(site: Site) -> dict[str, str]:
    """The addresses of the platform's web sites, by name."""
    names: dict[str, str] = site.platform["hostnames"]
    hosts = {"portal": "pia1", "sso": "pia1", "webmail": "mail1", "groupware": "mail1"}
    return {names[key]: site.address(host) for key, host in hosts.items()}


@pytest.fixture(scope="session")
def pins(addresses: dict[str, str], ca_bundle: Path) -> set[str]:
    """The keys of their certificates, which the lab's authority signed."""
    return {pin(name, address, ca_bundle) for name, address in addresses.items()}


@pytest.fixture(params=[DESKTOP, PHONE], ids=lambda size: size.name)
def browser(
    request: pytest.FixtureRequest, site: Site, addresses: dict[str, str], pins: set[str], tmp_path: Path
) -> Iterator[Browser]:
    """A fresh browser of each size; where the test fails, what it showed last is kept."""
    size: Size = request.param
    PICTURES.mkdir(parents=True, exist_ok=True)
    driver = start(size, tmp_path, addresses, pins)
    try:
        here = Browser(driver, size, site.platform["hostnames"])
        failed = request.session.testsfailed
        yield here
        if request.session.testsfailed > failed:
            here.picture(f"failed-{request.node.originalname}")
    finally:
        driver.quit()


@pytest.fixture
def reader(people: People, mail: Mail) -> Reader:
    """Makes an agent with mail."""
    return Reader(people, mail)
