# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage a unit of systemd; in check mode, one that this deploy would bring is a change and no failure."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

MODULE = "ansible.builtin.systemd_service"
UNKNOWN = "Could not find the requested service"
"""The words of the module for a unit that systemd does not know."""


class ActionModule(ActionBase):
    """Hands the arguments over, and reads the refusal of a dry run."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(self._execute_module(MODULE, dict(self._task.args), task_vars=task_vars))
        if self._task.check_mode and result.get("failed") and UNKNOWN in str(result.get("msg")):
            name = self._task.args.get("name")
            return {"changed": True, "name": name, "msg": f"{name} is not on the host yet: the deploy would bring it"}
        return result
