# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the tasks of a deploy share, loaded before the first of them.

Each task on each host runs in a process that is forked from the one of ansible-playbook. What that one has not loaded,
each of them loads for itself: Ansible reads all filters of a collection to find one.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import action_loader, filter_loader, lookup_loader, test_loader
from ansible_collections.academie.malleposte.plugins.filter import facts
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

OURS = "academie.malleposte"


def spread() -> None:
    """Let the processes of tasks run on every processor.

    mitogen binds them to processors of their own, its multiplexer to the first: with two, all tasks share one.
    """
    try:
        from ansible_mitogen import affinity
    except ImportError:
        return
    affinity.policy = affinity.Policy()


def preload(folder: Path) -> None:
    """Load plugins, the facts' specs, the digests of programs, and the package as a file of that folder.

    What cannot be loaded is left: the task that needs it says why.
    """
    spread()
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
