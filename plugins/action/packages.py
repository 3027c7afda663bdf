# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask apt only for what the facts do not already know to be as it must."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LOCK_TIMEOUT = 300  # seconds: unattended upgrades may hold apt's lock
CACHE_VALID_TIME = 43200
"""Age in seconds, half a day, from which apt's lists are fetched anew before something is installed."""
OPTIONS = {"name", "state", "ahead", "cache_valid_time"}


class ActionModule(ActionBase):
    """Skips the way to the host, a second of its processor, where the fact ``installed`` tells that all is well."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        given = args.get("name")
        names = [given] if isinstance(given, str) else given
        if names == []:
            return result | {"changed": False, "msg": "the host needs none"}
        state = args.get("state", "present")
        if (
            set(args) - OPTIONS
            or state not in ("present", "absent")
            or not names
            or not all(isinstance(name, str) for name in names)
        ):
            raise AnsibleActionFail("packages: give name, a package or a list of packages, and state present or absent")
        known = (task_vars.get("ansible_facts") or {}).get("installed")
        if known is not None and set(names) & set(known.split()) == (set(names) if state == "present" else set()):
            return result | {"changed": False, "msg": f"{state} before this run"}
        arguments = {"name": names, "state": state, "install_recommends": False, "lock_timeout": LOCK_TIMEOUT}
        if state == "present":
            arguments |= {"update_cache": True, "cache_valid_time": args.get("cache_valid_time", CACHE_VALID_TIME)}
        result.update(self._execute_module("ansible.builtin.apt", arguments, task_vars=task_vars))
        return result
