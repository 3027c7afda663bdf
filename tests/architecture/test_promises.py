"""The promises made to agents: what is said to be kept has a page that explains it and tests that exist."""

import re
from collections.abc import Iterator

import pytest

from .conftest import ROOT

PAGE = ROOT / "docs/fr/promesses.md"
KEPT, PARTLY, NOT_KEPT = "Tenue", "En partie", "Non tenue"
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
NONE = "–"


def rows() -> list[list[str]]:
    """The cells of each row below the head of the table."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def faults(cells: list[str]) -> Iterator[str]:
    """Yield what is wrong with a row."""
    if len(cells) != 4:
        yield "not four cells"
        return
    _promise, state, page, test = cells
    if not state.startswith((KEPT, PARTLY, NOT_KEPT)):
        yield f"no state: {state}"
    if state.startswith(NOT_KEPT):
        if (page, test) != (NONE, NONE):
            yield "what is not kept has no page and no test"
        return
    if state.startswith(PARTLY) and ":" not in state:
        yield "does not say what is missing"
    pages, tests = _LINK.findall(page), _TEST.findall(test)
    if not pages or not tests:
        yield "no page or no test"
    yield from (f"no page {one}" for one in pages if not (PAGE.parent / one).is_file())
    for path, name in tests:
        file = ROOT / path
        if not file.is_file() or not re.search(rf"^def {name}\(", file.read_text("utf-8"), re.MULTILINE):
            yield f"no test {path}::{name}"


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0][:40])
def test_a_promise_that_is_kept_has_its_page_and_its_tests(cells: list[str]) -> None:
    assert list(faults(cells)) == []


def test_each_fault_of_a_row_is_seen() -> None:
    page, test = "[x](guide/README.md)", "`tests/architecture/test_promises.py::test_each_fault_of_a_row_is_seen`"
    assert list(faults(["x", KEPT, page, test])) == [] and list(faults(["x", NOT_KEPT, NONE, NONE])) == []
    for cells in (
        ["x", KEPT, page], ["x", "Bientôt", page, test], ["x", KEPT, NONE, test], ["x", KEPT, page, NONE],
        ["x", PARTLY, page, test], ["x", KEPT, "[x](guide/nul.md)", test], ["x", NOT_KEPT, page, test],
        ["x", KEPT, page, "`tests/architecture/test_promises.py::test_nul`"],
        ["x", KEPT, page, "`tests/architecture/test_nul.py::test_each_fault_of_a_row_is_seen`"],
    ):  # fmt: skip
        assert list(faults(cells)), cells


def test_every_promise_of_the_guides_has_a_row() -> None:
    assert len(rows()) >= 23
