# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts with their defaults, and the classes of service; the logic is in module_utils."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils import classes, defaults
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FACTS = Path(__file__).resolve().parents[2] / "meta" / "facts.yml"


@functools.cache
def specs() -> Mapping[str, Any]:
    """The spec of each fact, by name."""
    found: Mapping[str, Any] = yaml.load(FACTS.read_text("utf-8"), yaml.CSafeLoader)["facts"]
    return found


def fact(given: Any, name: str, names: Mapping[str, str]) -> Any:
    """The value of the fact `malleposte_<name>`: what is given, completed by the defaults; None is nothing given."""
    spec = specs().get(f"malleposte_{name}")
    if spec is None:
        raise AnsibleFilterError(f"meta/facts.yml has no fact malleposte_{name}")
    return defaults.resolved(spec, given, names)


FilterModule = filters(fact, errors=(classes.ClassError,), classes=classes.wired)
