"""Tests use the public names of modules: a name with an underscore may change without notice."""

import ast
from collections.abc import Iterator

from .conftest import ROOT

OURS = ("malleposte", "ansible_collections.academie")
ACTIONS = "tests/unit/plugins/action"
LEFT = {
    (f"{ACTIONS}/test_packages.py", "_execute_module"),
    *(
        (f"{ACTIONS}/test_config_set.py", f"_{name}")
        for name in ("execute_module", "execute_remote_stat", "find_needle")
    ),
    *((f"{ACTIONS}/test_config_set.py", f"_{name}") for name in ("transfer_file", "fixup_perms2")),
}
"""Private names that tests may replace: Ansible's own, which action plugins call."""


def private(name: object) -> bool:
    """Whether a name is private to its module or class."""
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that a test takes from the project: the name in the test, and the name in its module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            yield from ((one.asname or one.name, one.name) for one in node.names)


def reached(tree: ast.Module) -> Iterator[str]:
    """Private names of the project that a test imports, reads or replaces."""
    names = dict(imported(tree))
    yield from (name for name in names.values() if private(name))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=inner, attr=name) if private(name):
                while isinstance(inner, ast.Attribute):
                    inner = inner.value
                if isinstance(inner, ast.Name) and inner.id in names:
                    yield name
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[_, ast.Constant(value=name), *_]) if private(name):
                yield str(name)


def test_no_test_reaches_into_a_module() -> None:
    found = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        found |= {(name, one) for one in reached(ast.parse(path.read_text("utf-8")))}
    assert found == LEFT


def test_a_reach_is_found() -> None:
    lines = ("from malleposte.core import run", "from malleposte.runtime.kit import _x", "run._y()")
    text = "\n".join([*lines, "monkeypatch.setattr(run, '_z', 1)"])
    assert sorted(reached(ast.parse(text))) == ["_x", "_y", "_z"]
    assert list(reached(ast.parse("from malleposte.core import run\nself._own = run.__name__\n"))) == []
