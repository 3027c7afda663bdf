"""A command goes to hosts by its class in `commands/away.py`, which tells a partial success by host and exit code 4.

What goes there in another way is listed here, with its reason in ADR 28.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from .conftest import ROOT

COMMANDS = ROOT / "cli/malleposte/commands"
HOME = "away.py"
ADR = ROOT / "docs/adr/0028-acts-know-their-host.md"
TYPES = ("Place", "Groups")
CHOOSING = {
    "backup_options.py": {"backed_up"},
    "backup_where.py": {"places", "listing", "members", "chosen"},
}
"""Classes of commands that choose their hosts, and leave the way to `away`."""
LEFT = {
    "accounts/feed.py": {"one"},
    "accounts/letters.py": {"one"},
    "backup_where.py": {"one"},
    "password.py": {"listing", "members"},
}
"""Commands with a way of their own."""


def used(tree: ast.Module) -> Iterator[str]:
    """The functions of `fleet.remote` and `fleet.ssh` that a module uses; a name of them that it imports counts too."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="remote" | "ssh"), attr=name) if name not in TYPES:
                yield name
            case ast.ImportFrom(module="malleposte.fleet.remote" | "malleposte.fleet.ssh", names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module="malleposte.fleet", names=names):
                yield from (one.name for one in names if one.name == "ssh" or one.asname)


def ways(path: Path) -> set[str]:
    return set(used(ast.parse(path.read_text("utf-8"))))


def test_a_command_goes_to_hosts_by_its_class() -> None:
    found = {str(path.relative_to(COMMANDS)): ways(path) for path in sorted(COMMANDS.rglob("*.py"))}
    known = {name: CHOOSING.get(name, set()) | LEFT.get(name, set()) for name in CHOOSING | LEFT}
    assert {name: names for name, names in found.items() if names and name != HOME} == known


def test_each_other_way_has_its_reason() -> None:
    told = ADR.read_text("utf-8")
    assert [name for name in LEFT if f"`commands/{name}`" not in told] == []


def test_a_way_of_its_own_is_found() -> None:
    assert set(used(ast.parse("for one in remote.places(inventory, 'portal'):\n    one.run([])\n"))) == {"places"}
    assert set(used(ast.parse("from malleposte.fleet.remote import one\n"))) == {"one"}
    assert set(used(ast.parse("def place(self) -> remote.Place:\n    return away.the_one([])\n"))) == set()
