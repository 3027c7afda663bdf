"""Imports that tests write in strings, for hosts, name modules that are there: one that moves takes those lines."""

import ast
import re
from collections.abc import Iterator

from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

from .conftest import ROOT

IMPORT = re.compile(r"from (malleposte[\w.]*) import (\w+)")


def imported(text: str) -> Iterator[tuple[str, str]]:
    """The imports in the strings of a file: module and name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from IMPORT.findall(node.value)


def missing(module: str, name: str) -> bool:
    """Whether neither a module of that name is there, nor a file that says the name."""
    path = toolkit.file_of(module)
    told = path is not None and re.search(rf"\b{name}\b", path.read_text("utf-8"))
    return not told and toolkit.file_of(f"{module}.{name}") is None


def test_imports_in_strings_of_the_stack_s_tests_are_there() -> None:
    lost = {
        (path.relative_to(ROOT).as_posix(), module, name)
        for folder in ("stack", "fleet", "browser", "bench")
        for path in (ROOT / "tests" / folder).rglob("*.py")
        for module, name in imported(path.read_text("utf-8"))
        if module.split(".")[0] == "malleposte" and missing(module, name)
    }
    assert lost == set()


def test_a_lost_import_would_be_seen() -> None:
    text = 'KILL = "import os; from malleposte.core import paths; from malleposte.core import nowhere"'
    assert [missing(*one) for one in imported(text)] == [False, True]
