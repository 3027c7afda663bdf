"""The ground of the suites here, a directory in memory, and accountd on it with one agent."""

from pathlib import Path

import pytest
from malleposte.directory.model import State

from tests.unit.accountd.ground import Memory
from tests.unit.accountd.test_service import Stage


@pytest.fixture
def ground() -> Memory:
    return Memory()


@pytest.fixture
def stage(tmp_path: Path, ground: Memory) -> Stage:
    stage = Stage(tmp_path, ground)
    stage.agent("mdupond", State.ACTIVE)
    return stage
