"""Fixtures of the fleet's tests: those of the stack that do not care where a service runs. One test at a time."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.conftest import ca_bundle, device, mail, people, plan, platform, site, web, webmail
from tests.stack.support.groupware import Groupware
from tests.stack.support.site import Account, Site

__all__ = ["ca_bundle", "device", "mail", "people", "plan", "platform", "site", "web", "webmail"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the lab of the fleet."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)


@pytest.fixture
def groupware(site: Site, ca_bundle: Path) -> Callable[[Account], Groupware]:
    """A visitor of SOGo."""
    return lambda account: Groupware(site, ca_bundle, account)


@contextlib.contextmanager
def without(site: Site, host: str) -> Iterator[None]:
    """The host loses its power, and has it again at the end."""
    site.lab.kill([host])
    try:
        yield
    finally:
        site.lab.start([host])
