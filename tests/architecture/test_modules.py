"""The tasks that call the collection's own modules, held against what the modules document.

Ansible reads a task's options when the task runs, and some playbooks run rarely: what is wrong in them is seen here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROLES, ROOT, load, task_files, tasks_in

COLLECTION = "academie.malleposte."
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml")) + sorted((ROOT / "molecule").glob("**/*.yml"))
FILES = [path for role in ROLES for path in task_files(role)] + PLAYBOOKS


def written(path: Path, name: str) -> Any:
    """The YAML of one string constant of a module."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no {name}")


MODULES = {path.stem: path for path in (ROOT / "plugins/modules").glob("*.py")}
OPTIONS = {name: written(path, "DOCUMENTATION")["options"] for name, path in MODULES.items()}


def faults(task: dict[str, Any]) -> Iterator[str]:
    """Options of a task that our modules would refuse: of no such name, left out though required, of a wrong value."""
    for key, own in task.items():
        if not str(key).startswith(COLLECTION):
            continue
        options = OPTIONS[key.removeprefix(COLLECTION)]
        given = {**(own or {}), **(task.get("args") or {})}
        yield from (f"{key}: no option {name}" for name in given if name not in options)
        for name, option in options.items():
            value = given.get(name)
            if option.get("required") and name not in given:
                yield f"{key}: {name} is required"
            if (
                value is not None
                and option.get("choices")
                and "{{" not in str(value)
                and value not in option["choices"]
            ):
                yield f"{key}: {name} is none of {option['choices']}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_use_the_options_that_our_modules_document(path: Path) -> None:
    loaded = load(path)
    tasks = tasks_in(loaded) if isinstance(loaded, list) else []
    assert [fault for task in tasks for fault in faults(task)] == []


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_our_modules_use_their_options(name: str) -> None:
    examples = written(MODULES[name], "EXAMPLES")
    assert any(COLLECTION + name in task for task in examples)
    assert [fault for task in examples for fault in faults(task)] == []


def test_a_wrong_option_is_found() -> None:
    unit = COLLECTION + "unit"
    assert list(faults({unit: {"name": "nginx.service", "state": "restarted"}})) == []
    assert list(faults({unit: {"state": "restarted", "daemon_reload": True}})) == [
        f"{unit}: no option daemon_reload",
        f"{unit}: name is required",
    ]
    assert "state is none of" in next(faults({unit: {"name": "nginx.service", "state": "running"}}))
