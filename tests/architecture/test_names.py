"""Names of values and functions say what they are: “found” and “given” say only how a value came."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT

FOLDERS = ("cli", "portal")
EMPTY = frozenset({"found", "given", "held", "kept", "known", "made", "told", "wanted"})
"""Words that fit any value. A field of a class may bear one: it stands in files, messages and documents."""
LEFT = {
    "cli/malleposte/accounts/hosts/acts/mailbox.py": {"given", "wanted"},  # arguments that hosts exchange by name
    "cli/malleposte/accounts/mailbox/outbound.py": {"held"},  # Postfix's word for mail that waits for a person
    "cli/malleposte/accounts/mailbox/queue.py": {"held"},
    "cli/malleposte/backup/restore/mail/box.py": {"held"},
    "cli/malleposte/daemons/record.py": {"told"},  # the name of a socket
    "cli/malleposte/lists/notices.py": {"held"},
}


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The names of functions, parameters and variables; those of a class's own body are fields."""
    fields = {
        id(target)
        for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        for statement in node.body for target in ast.walk(statement)
        if isinstance(statement, ast.Assign | ast.AnnAssign)
    }  # fmt: skip
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name.strip("_")
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in fields:
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name


def empty(path: Path) -> set[str]:
    """The names of a file that say nothing."""
    return {name for _line, name in names(ast.parse(path.read_text("utf-8"))) if name in EMPTY}


def test_names_say_what_a_thing_is() -> None:
    paths = {
        str(path.relative_to(ROOT)): path
        for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if not path.is_symlink()
    }  # fmt: skip
    faults = {name: words for name, path in paths.items() if (words := empty(path))}
    assert faults == LEFT, "name the thing: `entry`, `answer`, `match`, `settings`, a verb for a function"


@pytest.mark.parametrize(
    "text",
    [
        "found = 1\n",
        "def f(given): ...\n",
        "def _told(): ...\n",
        "for held in (): ...\n",
        "x = [kept for kept in ()]\n",
        "def f():\n    if known := 1: ...\n",
        "class A:\n    def made(self): ...\n",
        "lambda wanted: 1\n",
    ],
)
def test_an_empty_name_is_seen(text: str) -> None:
    assert len([name for _line, name in names(ast.parse(text)) if name in EMPTY]) == 1


def test_fields_pass() -> None:
    text = "class A:\n    made: str = ''\n    held = 1\n"
    assert list(names(ast.parse(text))) == []
