"""Common code of all tests: the durations of their files, for the gate; names that change are refused."""

import gc
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest
from malleposte.dev import timings

from tests.support.ids import pytest_collection_modifyitems  # noqa: F401  # a hook

SECONDS: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Set-up, call and end of each test. With pytest-xdist the controller is told of them all."""
    SECONDS[report.nodeid.partition("::")[0]] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave them where the gate asked."""
    path = os.environ.get(timings.VARIABLE)
    if path and SECONDS and not hasattr(session.config, "workerinput"):
        timings.keep(Path(path), SECONDS)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that collecting makes stays to the end: Python need not look through it for garbage, again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
