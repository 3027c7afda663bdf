"""A visitor of the pages of an agent's own section."""

from typing import Any

import pytest

from tests.unit.portal.own.test_pages import DONE


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """A visitor who is logged in."""
    accountd.answer = DONE
    log_in(visit)
    return visit
