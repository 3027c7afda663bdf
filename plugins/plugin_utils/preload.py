# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the tasks of a deploy share, loaded before the first of them.

Each task on each host runs in a process that is forked from the one of ansible-playbook. What that one has not loaded,
each of them loads for itself: Ansible reads all filters of a collection to find one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.loader import action_loader, filter_loader, lookup_loader, test_loader
from ansible_collections.academie.malleposte.plugins.filter import facts
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

OURS = "academie.malleposte"
COLLECTION = Path(__file__).parents[2]
JOB = '"finished":'
"""It is in the answer of a task in the background, and in few others."""


def spread() -> None:
    """Let the processes of tasks run on every processor.

    mitogen binds them to processors of their own, its multiplexer to the first: with two, all tasks share one.
    """
    try:
        from ansible_mitogen import affinity
    except ImportError:
        return
    affinity.policy = affinity.Policy()


def quieten() -> None:
    """Keep mitogen from two warnings at each deploy: both are about what it does itself.

    For each module of a collection it lists all of them, also ansible-core's own without metadata; ours needs ours.
    A task in the background is told as a number to be finished or not, where ansible-core takes a truth value.
    """
    try:
        from ansible_mitogen import mixins, planner
    except ImportError:
        return
    process = mixins.ActionModuleMixin._postprocess_response

    def load(invocation: Any) -> None:
        invocation._extra_sys_paths.add(str(COLLECTION))

    def processed(action: Any, response: dict[str, Any]) -> Any:
        return process(action, {**response, "stdout": truthful(response["stdout"])})

    planner._load_collections = load
    mixins.ActionModuleMixin._postprocess_response = processed


def truthful(stdout: Any) -> Any:
    """Return what a module said; of a task in the background, with a truth value for its end."""
    if not isinstance(stdout, str) or JOB not in stdout:
        return stdout
    try:
        answer = json.loads(stdout)
    except ValueError:
        return stdout
    return json.dumps({**answer, "finished": bool(answer["finished"])}) if "finished" in answer else stdout


def preload(folder: Path) -> None:
    """Load plugins, the facts' specs, the digests of programs, and the package as a file of that folder.

    What cannot be loaded is left: the task that needs it says why.
    """
    spread()
    quieten()
    filter_loader.get(f"{OURS}.fact")
    filter_loader.get("ansible.builtin.default")
    test_loader.get("ansible.builtin.defined")
    filter_loader.get("list")
    test_loader.get("search")
    lookup_loader.get("vars", class_only=True)
    lookup_loader.get("ansible.builtin.file", class_only=True)
    action_loader.get("normal", class_only=True)
    for path in sorted((Path(__file__).parents[1] / "lookup").glob("*.py")):
        lookup_loader.get(f"{OURS}.{path.stem}", class_only=True)
    facts.specs()
    try:
        for name in toolkit.programs():
            toolkit.digest(name)
        toolkit.written(folder)
    except (OSError, SyntaxError, ValueError):
        return
