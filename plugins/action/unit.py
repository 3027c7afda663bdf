# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage units of systemd; in check mode, one that this deploy would bring is a change and no failure."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

LOOK = "academie.malleposte.unit"
MODULE = "ansible.builtin.systemd_service"
UNKNOWN = "Could not find the requested service"
"""The words of the module for a unit that systemd does not know."""


class ActionModule(ActionBase):
    """Looks at all units at once, and has Ansible's module act on those that are not as they must be."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        wanted = {key: value for key, value in self._task.args.items() if key != "name"}
        look = self._execute_module(LOOK, dict(self._task.args), task_vars=task_vars)
        result.update({"changed": False, "name": self._task.args.get("name")})
        if look.get("failed"):
            return result | look
        said = []
        # Nothing starts by files that systemd has not read.
        stale: dict[str, Any] = {"daemon_reload": True} if look["stale"] else {}
        for arguments in [wanted | {"name": name} for name in look["differing"]] or [{}] * len(stale):
            done = self._execute_module(MODULE, arguments | stale, task_vars=task_vars)
            if self._task.check_mode and done.get("failed") and UNKNOWN in str(done.get("msg")):
                said.append(f"{arguments['name']} is not on the host yet: the deploy would bring it")
                done = {"changed": True}
            if done.get("failed"):
                return result | done
            result["changed"] |= done["changed"]
            stale = {}
        return result | ({"msg": "; ".join(said)} if said else {})
