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


def roles_of(
    plays: Sequence[Mapping[str, Any]], groups: Collection[str], template: Callable[[Any], Any]
) -> list[tuple[str, str]]:
    """The roles of a host and where each begins (`main`, or the `tasks_from` of a play's task), in the plays' order."""
    found: dict[tuple[str, str], None] = {}
    for play in plays:
        named = [(str(role["role"]), "main") for role in play.get("roles", ())]
        named += _included(play.get("tasks", ()))
        if named and chosen(template(play["hosts"]), groups):
            found |= dict.fromkeys((name.rpartition(".")[2], entry) for name, entry in named)
    return list(found)


def split(plays: Sequence[Mapping[str, Any]]) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """The plays before the one that waits for the packages installed meanwhile, and the others. Raises ValueError."""
    for number, play in enumerate(plays):
        if ("base", "arrived") in (
            (name.rpartition(".")[2], entry) for name, entry in _included(play.get("tasks", ()))
        ):
            return plays[:number], plays[number:]
    raise ValueError("no play waits for the packages that are installed meanwhile (role base, tasks_from: arrived)")


def _included(tasks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The roles that tasks include by name. A name of variables is a service's, whose own play has its role."""
    for task in tasks:
        given = task.get("ansible.builtin.include_role", {})
        if "{{" not in str(given.get("name", "{{")):
            yield str(given["name"]), str(given.get("tasks_from", "main"))


def task_files(role: Path, entry: str, read: Read) -> Iterator[Path]:
    """The file in which a role begins, and those that it imports whatever the host is."""
    path = role / "tasks" / f"{entry.removesuffix('.yml')}.yml"
    yield path
    for task in optional(read, path):
        if "ansible.builtin.import_tasks" in task:
            yield from task_files(role, str(task["ansible.builtin.import_tasks"]), read)


def asked_for(tasks: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """The packages that a role installs in any case, not templated; not those that must wait (`ahead: false`)."""
    for task in tasks:
        arguments = task.get(ACTION)
        if arguments and "when" not in task and arguments.get("ahead", True):
            yield arguments["name"]


def optional(read: Read, path: Path) -> Any:
    """The content of a file; an empty mapping where there is none."""
    return (read(path) if path.is_file() else None) or {}
