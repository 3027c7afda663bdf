"""Docstrings, comments, help texts and descriptions do not begin with a clause that has no head."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT

HEADLESS = re.compile(r"(?:Who|Whom|Whose|What|When|Where|Which|Why|How)\b")
HEADLESS_COMMENT = re.compile(r"(?:Who|Whom|Whose|What|Which)\b(?!.*\?)")
"""In comments, a sentence may begin with a condition: “Where both are there, the first counts.”"""
FOLDERS = ("cli", "plugins", "portal", "tests")
WITHOUT_NOUN = re.compile(r"\b(?:by|for|from|to|with) who\b", re.IGNORECASE)
"""Anywhere in a text: somebody who has no noun. “Of who” asks a question at times, so it is left."""
LEFT = ("cli/malleposte/daemons/dav_router/proofs.py",)
TEXTS = ("help", "short_help", "epilog")
"""Arguments of click that are shown to an operator."""
DESCRIBED = ("description", "short_description")


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Docstrings of modules, classes and functions, and the strings below variables."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for statement in node.body:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


def help_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts that a call hands to click."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(name), value=ast.Constant(value=str(text))) if name in TEXTS:
                yield node.value.lineno, text


def descriptions(value: Any) -> Iterator[str]:
    """Every description inside a document of YAML, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in DESCRIBED:
                yield from (text for text in (inner if isinstance(inner, list) else [inner]) if isinstance(text, str))
            else:
                yield from descriptions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from descriptions(inner)


def documentation(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Descriptions in the documentation of a module or plugin of Ansible."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="DOCUMENTATION" | "RETURN")], value=ast.Constant(value=str(text))):
                yield from ((statement.lineno, one) for one in descriptions(yaml.safe_load(text)))


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a source."""
    return tokenize.generate_tokens(io.StringIO(text).readline)


def comments(text: str) -> Iterator[tuple[int, str]]:
    """The first line of each block of comments."""
    before = -1
    for token in tokens(text):
        if token.type == tokenize.COMMENT:
            if token.start[0] != before + 1:
                yield token.start[0], token.string.lstrip("#: ")
            before = token.start[0]


def headless_in_python(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a source that begin a text with a headless clause, each with the beginning of the text."""
    if HEADLESS.search(text):
        tree = ast.parse(text)
        for line, found in (*docstrings(tree), *help_texts(tree), *documentation(tree)):
            if HEADLESS.match(found.lstrip()):
                yield line, found.strip().split("\n")[0]
    if re.search(rf"#[#: ]*{HEADLESS_COMMENT.pattern}", text):
        yield from ((line, found) for line, found in comments(text) if HEADLESS_COMMENT.match(found))


def test_python_texts_begin_with_a_head() -> None:
    faults = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = headless_in_python(path.read_text("utf-8"))
            faults += [f"{path.relative_to(ROOT)}:{line}: {text}" for line, text in found]
    assert faults == []


def without_noun(text: str) -> Iterator[tuple[int, str]]:
    """The texts of a source that speak of somebody without a noun."""
    if not re.search(r"\bwho\b", text, re.IGNORECASE):
        return
    tree = ast.parse(text)
    words: list[tuple[int, str]] = []
    if re.search(rf"#.*{WITHOUT_NOUN.pattern}", text, re.IGNORECASE):
        words = [(token.start[0], token.string) for token in tokens(text) if token.type == tokenize.COMMENT]
    for line, found in (*docstrings(tree), *help_texts(tree), *words):
        yield from ((line, place.group()) for place in WITHOUT_NOUN.finditer(found))


def test_python_texts_say_of_whom_they_speak() -> None:
    faults = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = list(without_noun(path.read_text("utf-8")))
            if found and str(path.relative_to(ROOT)) not in LEFT:
                faults[str(path.relative_to(ROOT))] = found
    assert faults == {}


def test_somebody_without_a_noun_is_found() -> None:
    text = '''"""A view.\n\nIt is for who is there."""\nx = 1  # told to who asked\n'''
    assert [place for _line, place in without_noun(text)] == ["for who", "to who"]
    assert list(without_noun('"""It is for whoever is there, and for the agent who asks."""\n')) == []


def described() -> list[Path]:
    """Files of YAML whose descriptions people read."""
    roles = ROOT / "roles"
    return sorted(
        [*roles.glob("*/meta/*.yml"), ROOT / "meta" / "facts.yml", *(ROOT / "plugins" / "filter").glob("*.yml")]
    )


def test_descriptions_begin_with_a_head() -> None:
    faults = []
    for path in described():
        found = descriptions(yaml.safe_load(path.read_text("utf-8")))
        faults += [f"{path.relative_to(ROOT)}: {text}" for text in found if HEADLESS.match(text)]
    assert faults == []


@pytest.mark.parametrize(
    "text",
    [
        '"""What it holds."""\n',
        'def f():\n    """Who asks."""\n',
        'class A:\n    b: int\n    """How many."""\n',
        'option("--x", help="Where it lies.")\n',
        "# Who asks may read.\n",
        'DOCUMENTATION = """\noptions:\n  a:\n    description: [When it ends.]\n"""\n',
    ],
)
def test_a_headless_clause_is_found(text: str) -> None:
    assert len(list(headless_in_python(text))) == 1


def test_other_texts_pass() -> None:
    free = (
        '"""Whether it is so. What follows is free."""\n# Where both are,\n# which is rare, one counts.\n# What if?\n'
    )
    assert list(headless_in_python(free)) == []
