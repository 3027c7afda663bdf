"""docs/limits.md: each row names settings, facts and tests that exist, and no budget of accountd is without a row."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest
from malleposte.throttle.limits import Rates

from .conftest import ROLES, ROOT, load, specs_of

PAGE = ROOT / "docs" / "limits.md"
COLUMNS = ["limit", "set in", "counted by", "who can fill it", "whom it stops", "how it ends", "test"]
RATES = "accountd_rates."


def rows() -> Iterator[list[str]]:
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells != COLUMNS and not set(line) <= set("| -"):
            yield cells


ROWS = list(rows())


def quoted(cell: str) -> list[str]:
    """The names of a cell; those in brackets are parts of the one before."""
    return re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", cell))


@cache
def variables() -> frozenset[str]:
    facts = load(ROOT / "meta" / "facts.yml")["facts"]
    wiring = load(ROOT / "playbooks" / "group_vars" / "all" / "wiring.yml")
    return frozenset([*facts, *wiring, *(name for role in ROLES for name in specs_of(role))])


def names_of(path: Path) -> set[str]:
    """The names that a module assigns, or the constants of a file in another language."""
    if path.suffix != ".py":
        return set(re.findall(r"\b([A-Z]+) = ", path.read_text("utf-8")))
    targets = [
        target
        for node in ast.parse(path.read_text("utf-8")).body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
    ]
    return {one.id for target in targets if target for one in ast.walk(target) if isinstance(one, ast.Name)}


def exists(name: str) -> bool:
    if name.startswith(RATES):
        return name.removeprefix(RATES) in {one.name for one in msgspec.structs.fields(Rates)}
    path, _colon, constant = name.partition(":")
    return constant in names_of(ROOT / path) if constant else name in variables()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_whole_and_names_what_exists(row: list[str]) -> None:
    assert len(row) == len(COLUMNS) and all(row), row
    settings, tests = quoted(row[1]), quoted(row[-1])
    assert settings and tests
    assert [name for name in settings if not exists(name)] == []
    for one in tests:
        path, _colons, name = one.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), one


def test_every_budget_of_accountd_has_a_row() -> None:
    named = {name.removeprefix(RATES) for row in ROWS for name in quoted(row[1]) if name.startswith(RATES)}
    assert named == {one.name for one in msgspec.structs.fields(Rates)}


def test_what_does_not_exist_is_found() -> None:
    assert exists("malleposte_profiles") and exists("cli/malleposte/throttle/limits.py:FEW")
    assert not exists("malleposte_nothing") and not exists("cli/malleposte/throttle/limits.py:NOTHING")
    assert not exists("accountd_rates.nothing")
