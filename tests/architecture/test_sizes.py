"""Packages and files stay small, and no two modules import each other."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from .conftest import ROOT

PACKAGES = ("cli/malleposte", "portal/malleposte_portal", "plugins")
LOOSE, LINES = 15, 400
FLAT = {"cli/malleposte/commands", "cli/malleposte/commands/accounts", *(
    f"plugins/{name}" for name in ("action", "filter", "lookup", "modules", "module_utils")
)}  # fmt: skip
"""Folders that hold a file a command, a program or a plug-in of Ansible."""
REASON = "Long, since"
"""Words in the docstring of a longer file that has a reason to be."""
IN_CIRCLES = 0
"""The modules that import each other, directly or not; imports for types count. This number may only fall."""


def production() -> Iterator[Path]:
    """The files of Python of the product."""
    for folder in PACKAGES:
        yield from sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def crowded(files: Iterable[str]) -> set[str]:
    """The folders with more than LOOSE files."""
    folders = [Path(name).parent.as_posix() for name in files]
    return {folder for folder in folders if folders.count(folder) > LOOSE}


def test_a_package_has_few_loose_files() -> None:
    files = [name_of(path) for path in production()]
    assert crowded(files) - FLAT == set(), "make packages of it by subject"


def too_long(files: Iterable[Path]) -> set[str]:
    """Files of more than LINES lines that give no reason."""
    texts = {path: path.read_text("utf-8") for path in files}
    long = [path for path, text in texts.items() if text.count("\n") > LINES]
    return {name_of(path) for path in long if REASON not in (ast.get_docstring(ast.parse(texts[path])) or "")}


def test_a_file_is_short_or_says_why_not() -> None:
    assert too_long(production()) == set(), f"split it, or begin its docstring's second part with {REASON!r}"


def test_a_long_file_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    body = "x = 1\n" * (LINES + 1)
    for name, text in {
        "a.py": body,
        "b.py": f'"""B.\n\n{REASON} it is one table.\n"""\n{body}',
        "c.py": "x = 1\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert too_long(tmp_path.glob("*.py")) == {"a.py"}
    assert crowded([f"d/{number}.py" for number in range(LOOSE + 1)] + ["e/1.py"]) == {"d"}


def imports(path: Path, module: str, modules: Mapping[str, Path]) -> set[str]:
    """The modules that a file imports anywhere, for types too; a package only where a name of its own file is meant."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            full = {alias.name: f"{base}.{alias.name}" for alias in node.names}
            found |= {one if one in modules else base for one in full.values()}
    return found & modules.keys() - {module}


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """The groups of modules of which each leads to every other."""

    def reached(start: str) -> set[str]:
        seen, ahead = set[str](), [start]
        while ahead:
            new = graph.get(ahead.pop(), set()) - seen
            seen |= new
            ahead += new
        return seen

    reach = {name: reached(name) for name in graph}
    within = {name for name in graph if name in reach[name]}
    groups: list[set[str]] = []
    while within:
        name = min(within)
        groups.append({other for other in within if other in reach[name] and name in reach[other]})
        within -= groups[-1]
    return groups


def test_modules_import_each_other_in_no_circle() -> None:
    modules: dict[str, Path] = {}
    for folder in PACKAGES[:2]:
        for path in (ROOT / folder).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            modules[f"{Path(folder).name}.{name}".removesuffix(".__init__")] = path
    found = circles({name: imports(path, name, modules) for name, path in modules.items()})
    assert sum(map(len, found)) <= IN_CIRCLES, [sorted(group) for group in found]


def test_a_circle_would_be_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set[str](), "e": {"a"}}
    assert circles(graph) == [{"a", "b", "c"}]
