# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable of a role, for the wiring of another role: as the inventory says it, else the role's own default."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role
author: Malleposte (@malleposte)
short_description: A variable of a role, or the role's default for it
description:
  - Returns a variable of a role as the inventory says it. If the inventory does not, returns the default in
    C(roles/<role>/defaults/main.yml), so that the wiring of another role repeats none.
options:
  _terms: {description: Names of variables., type: list, elements: str, required: true}
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ lookup('academie.malleposte.role', 'sogo_port') }}"
"""

RETURN = r"""
_raw:
  description: The value of each.
  type: list
  elements: raw
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

ROLES = Path(__file__).resolve().parents[2] / "roles"


@functools.cache
def defaults(role: str) -> Mapping[str, Any]:
    """Return the defaults of a role."""
    found: Mapping[str, Any] = yaml.load((ROLES / role / "defaults/main.yml").read_text("utf-8"), yaml.CSafeLoader)
    return found


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of the roles, the longest first."""
    return tuple(sorted((path.name for path in ROLES.iterdir() if path.is_dir()), key=len, reverse=True))


def default(name: str) -> Any:
    """Return the default of a variable. Raises AnsibleError where no role has it."""
    for role in names():
        if name.startswith(f"{role}_") and name in defaults(role):
            return defaults(role)[name]
    raise AnsibleError(f"role: no role has a default for {name}")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        known = variables or {}
        return [self._templar.template(known[name]) if name in known else default(name) for name in terms]
