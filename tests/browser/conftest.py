"""Fixtures of the browser tests: those of the stack tests that they need, and a fresh window of Chromium a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, PHONE, PICTURES, Browser, Chromium, Size, pin
from tests.stack.conftest import ca_bundle, device, enters, lists, mail, people, person, plan, platform, site, web
from tests.stack.support import alarms
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.support.order import longest_first

__all__ = ["ca_bundle", "device", "enters", "lists", "mail", "people", "person", "plan", "platform", "site", "web"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the alarms of the vaults in the end."""
    alarms.register(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the lab and a browser. Files of the largest budgets come first: no long one is the last."""
    alarms.declare(items)
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        item.add_marker(pytest.mark.browser)
    if len(own) == len(items):
        longest_first(items)


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


@pytest.fixture(scope="session")
def running() -> Iterator[list[Chromium]]:
    """The Chromium of this worker, once a test has started it."""
    found: list[Chromium] = []
    yield found
    for chromium in found:
        chromium.quit()


@pytest.fixture(params=[DESKTOP, pytest.param(PHONE, marks=pytest.mark.full)], ids=lambda size: size.name)
def browser(
    request: pytest.FixtureRequest,
    site: Site,
    running: list[Chromium],
    addresses: dict[str, str],
    pins: set[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """A fresh window; a failed test leaves a picture of it, and the next starts Chromium. A full run has both sizes."""
    size: Size = request.param
    PICTURES.mkdir(parents=True, exist_ok=True)
    if not running:
        running.append(Chromium(tmp_path_factory.mktemp("chromium"), addresses, pins))
    failed = request.session.testsfailed
    try:
        with running[0].window(size) as driver:
            here = Browser(driver, size, site.platform["hostnames"])
            yield here
            if request.session.testsfailed > failed:
                here.picture(f"failed-{request.node.originalname}")
    finally:
        if request.session.testsfailed > failed:
            running.pop().quit()


@pytest.fixture
def reader(people: People, mail: Mail) -> Reader:
    """Makes an agent with mail."""
    return Reader(people, mail)
