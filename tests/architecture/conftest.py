"""The house rules, held against the files of the repository."""

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


class Loader(yaml.CSafeLoader):
    """Ansible's own tags are read as plain values."""


Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))  # type: ignore[no-untyped-call]


def load(path: Path) -> Any:
    """The YAML of a file; None when it is absent."""
    return yaml.load(path.read_text(), Loader) if path.exists() else None  # noqa: S506


@functools.cache
def specs_of(role: Path) -> dict[str, dict[str, Any]]:
    """Every option of a role, over all its entry points."""
    specs = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs", {})
    return {key: option for entry in specs.values() for key, option in (entry.get("options") or {}).items()}


def tasks_in(node: Any) -> list[dict[str, Any]]:
    """Every task of a parsed task file or playbook, plays and blocks opened."""
    found: list[dict[str, Any]] = []
    for task in node or []:
        found.append(task)
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            found += tasks_in(task.get(part))
    return found


def task_files(role: Path) -> list[Path]:
    return sorted((role / "tasks").glob("**/*.yml")) + sorted((role / "handlers").glob("**/*.yml"))


@pytest.fixture(params=ROLES, ids=lambda path: path.name)
def role(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path
