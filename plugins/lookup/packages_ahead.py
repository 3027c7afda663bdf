# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that the roles of this host will install."""

from __future__ import annotations

DOCUMENTATION = r"""
name: packages_ahead
author: Malleposte (@malleposte)
short_description: The packages that the roles of this host will install
description:
  - Reads C(playbooks/site.yml), and in each role that it gives this host the tasks M(academie.malleposte.packages) of
    the file in which the role begins and of those that it imports. Left out are those with a condition and those that
    say C(ahead=false).
options:
  _terms:
    description:
      - None, for the packages of the roles before the play that waits for those installed meanwhile.
      - C(meanwhile), for the packages that only later roles need.
      - C(prepare), for the roles that have C(tasks/prepare.yml).
"""

EXAMPLES = r"""
- academie.malleposte.packages:
    name: "{{ query('academie.malleposte.packages_ahead') }}"

- ansible.builtin.include_role:
    name: "{{ item }}"
    tasks_from: prepare
  loop: "{{ query('academie.malleposte.packages_ahead', 'prepare') }}"
"""

RETURN = r"""
_raw:
  description: Names of packages, or of roles, each once, sorted.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.academie.malleposte.plugins.plugin_utils import ahead


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        known = variables or {}
        plays = self._read(ahead.ROOT / "playbooks" / "site.yml")
        if "prepare" in terms:
            roles = {role for role, _entry in self._roles(plays, known)}
            return sorted(role for role in roles if (ahead.ROOT / "roles" / role / "tasks" / "prepare.yml").is_file())
        before, after = ahead.split(plays)
        first = self._packages(before, known)
        return sorted(self._packages(after, known) - first if "meanwhile" in terms else first)

    def _roles(self, plays: Any, known: dict[str, Any]) -> list[tuple[str, str]]:
        """The roles that plays give the host, and where each begins."""
        return ahead.roles_of(plays, {known["inventory_hostname"], *known["group_names"]}, self._templar.template)

    def _packages(self, plays: Any, known: dict[str, Any]) -> set[str]:
        """The packages of the roles that plays give the host."""
        found: set[str] = set()
        for role, entry in self._roles(plays, known):
            folder = ahead.ROOT / "roles" / role
            inner = ahead.optional(self._read, folder / "defaults" / "main.yml") | known
            inner |= ahead.optional(self._read, folder / "vars" / "main.yml")
            templar = self._templar.copy_with_new_env(available_variables=inner)
            tasks = [one for path in ahead.task_files(folder, entry, self._read) for one in self._read(path)]
            for name in ahead.asked_for(tasks):
                names = templar.template(name)
                found |= {names} if isinstance(names, str) else set(names)
        return found

    def _read(self, path: Path) -> Any:
        return self._loader.load_from_file(str(path), trusted_as_template=True)
