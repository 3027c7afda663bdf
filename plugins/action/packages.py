# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask apt only for what the facts do not already know to be installed."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LOCK_TIMEOUT = 300  # seconds: unattended upgrades may hold apt's lock


class ActionModule(ActionBase):
    """Skips the way to the host, a second of its processor, where ``package_facts`` has seen all packages installed."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = self._task.args.get("name")
        names = [given] if isinstance(given, str) else given
        if names == []:
            return result | {"changed": False, "msg": "the host needs none"}
        if (
            set(self._task.args) - {"ahead"} != {"name"}
            or not names
            or not all(isinstance(name, str) for name in names)
        ):
            raise AnsibleActionFail("packages: give name, a package or a list of packages, and at most ahead")
        installed = (task_vars.get("ansible_facts") or {}).get("packages") or {}
        if all(name in installed for name in names):
            return result | {"changed": False, "msg": "installed before this run"}
        arguments = {"name": names, "state": "present", "install_recommends": False, "lock_timeout": LOCK_TIMEOUT}
        result.update(self._execute_module("ansible.builtin.apt", arguments, task_vars=task_vars))
        return result
