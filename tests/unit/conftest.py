"""Common code of all unit tests."""

import json
import signal
import time
from collections.abc import Generator, Iterator

import pytest
from malleposte.dev.lab.machine import cgroups
from malleposte.platform import facts, profiles

from tests.support import ansible_loader
from tests.support.order import longest_first

ansible_loader.start()
LONGEST = 900
"""Seconds after which a test is held for one that waits for ever: no slow machine needs a tenth of it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of the largest budgets come first."""
    longest_first(items)


def end(_signal: int, _frame: object) -> None:
    """End a test that waits for ever."""
    pytest.fail(f"not at its end after {LONGEST} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Whatever waits for ever fails, in place of holding up all others."""
    signal.signal(signal.SIGALRM, end)
    signal.alarm(LONGEST)
    try:
        return (yield)
    finally:
        signal.alarm(0)


@pytest.fixture(autouse=True)
def platform_classes(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A host has the platform's facts; here, the default's classes of service alone."""
    path = tmp_path_factory.getbasetemp() / "platform.json"
    if not path.exists():
        path.write_text(json.dumps({"profiles": facts.resolved("malleposte_profiles", None)}), "utf-8")
    monkeypatch.setattr(profiles, "FILE", path)


@pytest.fixture(autouse=True)
def no_group_of_a_real_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labs of tests stand in temporary folders. With a host that goes, the processes of the group of its name are
    killed: without this, those of a real host that has the same name.
    """
    monkeypatch.setattr(cgroups, "mounted", list)


@pytest.fixture
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zone of a host of the mainland."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()
