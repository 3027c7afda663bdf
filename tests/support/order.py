"""The order in which workers take test files."""

from __future__ import annotations

import pytest
from malleposte.dev import timings


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests by the budgets of their files, the largest first: no long file is the last."""
    known = timings.budgets()
    items.sort(key=lambda item: -timings.budget(item.nodeid.partition("::")[0], known))
