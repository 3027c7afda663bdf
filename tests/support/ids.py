"""The names of tests are the same in every process: pytest-xdist compares what its workers have collected."""

import re
from collections.abc import Iterable

import pytest

ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")
"""An address in memory, from the `str` of an object that has no text of its own."""


def changing(names: Iterable[str]) -> list[str]:
    """Names that another process would not give."""
    return [name for name in names if ADDRESS.search(name)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse them, with the way out."""
    if wrong := changing(item.nodeid for item in items):
        raise pytest.UsageError(f"{wrong[0]}: the name bears an address in memory; give `ids` a name of the object")
