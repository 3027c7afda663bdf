"""A secret in a dataclass is not part of its text: a traceback, a failed assertion or a log line would show it."""

import ast
from collections.abc import Iterator

import pytest

from .conftest import ROOT

FOLDERS = ("cli", "plugins", "portal", "tests/stack/support", "tests/browser/support")
SECRET = frozenset({"password", "secret", "api_key", "numen", "code", "token", "id_token"})
TOLD = {("policy/rules.py", "Violation", "code"): "names the rule"}
"""Fields of such a name that hold no secret."""


def fields(source: str) -> Iterator[tuple[str, str, bool]]:
    """The fields of text of each dataclass whose name says that they are secret: class, field, whether it is shown."""
    for found in ast.walk(ast.parse(source)):
        if not isinstance(found, ast.ClassDef) or not any("dataclass" in ast.unparse(d) for d in found.decorator_list):
            continue
        for line in found.body:
            if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                continue
            if line.target.id in SECRET and ast.unparse(line.annotation) in {"str", "str | None", "bytes"}:
                hidden = line.value is not None and "repr=False" in ast.unparse(line.value)
                yield found.name, line.target.id, not hidden


def shown() -> set[tuple[str, str, str]]:
    """The fields that are shown: the end of the file's path, class, field."""
    found = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            place = "/".join(path.parts[-2:])
            found |= {(place, name, field) for name, field, seen in fields(path.read_text("utf-8")) if seen}
    return found


def test_no_secret_is_shown() -> None:
    assert shown() == set(TOLD)


@pytest.mark.parametrize(("value", "seen"), [("", True), (' = ""', True), (" = field(repr=False)", False)])
def test_a_shown_secret_is_found(value: str, seen: bool) -> None:
    source = f"@dataclass(frozen=True)\nclass Account:\n    uid: str\n    password: str{value}\n"
    assert list(fields(source)) == [("Account", "password", seen)]
