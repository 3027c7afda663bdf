"""Names that a test imports from another module of the tests exist there; a lane that begins late fails early."""

import ast
from pathlib import Path

from tests.architecture.conftest import ROOT


def top_names(tree: ast.Module) -> set[str]:
    """Return the names that a module has at its top level, in branches of `if` and `try` too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(one.asname or one.name).partition(".")[0] for one in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def missing(tree: ast.Module, root: Path) -> list[str]:
    """Return what a module imports from `tests` that does not exist there, each as `module.name`."""
    absent: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("tests"):
            continue
        place = root.joinpath(*str(node.module).split("."))
        source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        names = top_names(ast.parse(source.read_text("utf-8"))) if source.exists() else set()
        for one in node.names:
            modules = (place / one.name, place / f"{one.name}.py")
            if one.name not in names and not any(path.exists() for path in modules):
                absent.append(f"{node.module}.{one.name}")
    return absent


def test_every_test_imports_names_that_exist() -> None:
    absent = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (names := missing(ast.parse(path.read_text("utf-8")), ROOT))
    }
    assert absent == {}


def test_an_absent_name_is_seen(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/one.py").write_text("def answer() -> None: ...\n")
    tree = ast.parse("from tests.one import answer, other\nfrom tests import one, two\nfrom tests.three import four\n")
    assert missing(tree, tmp_path) == ["tests.one.other", "tests.two", "tests.three.four"]
