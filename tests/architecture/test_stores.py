"""Root works in a store in one way: as the store's user, by `malleposte.runtime.owner`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROLES, ROOT, load, task_files, tasks_in

PACKAGE = ROOT / "cli/malleposte"
MODULES = sorted(
    path for name in ("accounts", "backup", "commands", "lists", "accountd") for path in (PACKAGE / name).rglob("*.py")
)
OTHER_WAYS = {"chown", "lchown", "fchown", "setuid", "seteuid", "setreuid", "setresuid", "setfsuid"}
"""Functions that would work in a store by another way."""
HANDLES = {"dir_fd", "src_dir_fd", "dst_dir_fd"}
OWNED = {
    "dovecot": ("{{ dovecot_store }}/",),
    "radicale": ("{{ __radicale_folder }}/", "{{ __radicale_cache }}/"),
}
"""Paths inside a store, by role: there a task must not follow a link."""


def other_ways(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each call that gives files away, changes the process's user, or works by handles."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in OTHER_WAYS:
            yield node.lineno, name
        yield from ((node.lineno, one.arg) for one in node.keywords if one.arg in HANDLES)


def test_the_other_ways_are_seen() -> None:
    text = "os.chown(path, 1, 1)\nshutil.chown(path, 'x')\nos.open('a', 0, dir_fd=3)\nos.seteuid(5)\npath.chmod(1)"
    assert [name for _line, name in other_ways(ast.parse(text))] == ["chown", "chown", "dir_fd", "seteuid"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_store_is_worked_in_as_its_user_alone(path: Path) -> None:
    found = [f"line {line}: {name}" for line, name in other_ways(ast.parse(path.read_text("utf-8")))]
    assert found == [], "work in a store by `with owner.as_owner(place):`, and what is made there is its user's"


def test_the_way_itself_is_one_of_them() -> None:
    assert list(other_ways(ast.parse((PACKAGE / "runtime/owner.py").read_text("utf-8"))))


@pytest.mark.parametrize("role", [role for role in ROLES if role.name in OWNED], ids=lambda role: role.name)
def test_a_role_follows_no_link_in_a_store(role: Path) -> None:
    """A task that makes a folder in a store as root would give away what a link there leads to."""
    for task in (task for file in task_files(role) for task in tasks_in(load(file))):
        folders = (task.get("academie.malleposte.config_set") or {}).get("folders", [])
        assert [one for one in folders if one["path"].startswith(OWNED[role.name])] == [], "it would follow a link"
        given = task.get("ansible.builtin.file")
        if not isinstance(given, dict):
            continue
        places = [str(given.get("path", "")), *map(str, task["loop"] if isinstance(task.get("loop"), list) else [])]
        if any(place.startswith(OWNED[role.name]) for place in places):
            assert given.get("follow") is False, task["name"]
