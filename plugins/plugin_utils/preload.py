# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the tasks of a deploy share, loaded before the first of them.

Each task on each host runs in a process that is forked from the one of ansible-playbook. What that one has not loaded,
each of them loads for itself: Ansible reads all filters of a collection to find one.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import filter_loader
from ansible_collections.academie.malleposte.plugins.filter import facts
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit


def preload(folder: Path) -> None:
    """Load the filters, the facts' specs, the digests of programs, and the package as a file of that folder.

    What cannot be loaded is left: the task that needs it says why.
    """
    filter_loader.get("academie.malleposte.fact")
    facts.specs()
    try:
        for name in toolkit.programs():
            toolkit.digest(name)
        toolkit.written(folder)
    except (OSError, SyntaxError, ValueError):
        return
