"""The ground of the suites here: a directory in memory."""

import pytest

from tests.unit.accountd.ground import Memory


@pytest.fixture
def ground() -> Memory:
    return Memory()
