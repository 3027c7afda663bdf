"""The packages that the roles of a host install, read from the play of everything and from the roles' own tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACTION = "academie.malleposte.packages"
Read = Callable[[Path], Any]


def chosen(pattern: str | Sequence[str], groups: Collection[str]) -> bool:
    """Whether a host of these names (its own, its groups) is in a pattern: names, colons between, `!` for without."""
    words = pattern.split(":") if isinstance(pattern, str) else list(pattern)
    without = {word[1:] for word in words if word.startswith("!")}
    return not set(words).isdisjoint(groups) and without.isdisjoint(groups)


def roles_of(plays: Sequence[Mapping[str, Any]], groups: Collection[str], template: Callable[[Any], Any]) -> list[str]:
    """The roles of a host, each once, in the order of the plays; those that a play's own tasks include too."""
    found: dict[str, None] = {}
    for play in plays:
        named = [str(role["role"]) for role in play.get("roles", ())] + list(_included(play.get("tasks", ())))
        if named and chosen(template(play["hosts"]), groups):
            found |= dict.fromkeys(name.rpartition(".")[2] for name in named)
    return list(found)


def _included(tasks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The roles that tasks include by name. A name of variables is a service's, whose own play has its role."""
    for task in tasks:
        name = str(task.get("ansible.builtin.include_role", {}).get("name", "{{"))
        if "{{" not in name:
            yield name


def task_files(role: Path) -> list[Path]:
    """The files of a role that are read for its packages: the main one, and one that a play may include alone."""
    return [path for path in (role / "tasks" / "main.yml", role / "tasks" / "install.yml") if path.is_file()]


def asked_for(tasks: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """The packages that a role installs in any case, not templated; not those that must wait (`ahead: false`)."""
    for task in tasks:
        arguments = task.get(ACTION)
        if arguments and "when" not in task and arguments.get("ahead", True):
            yield arguments["name"]


def optional(read: Read, path: Path) -> Any:
    """The content of a file; an empty mapping where there is none."""
    return (read(path) if path.is_file() else None) or {}
