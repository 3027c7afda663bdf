# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the templates of a config_set task on the controller, then hand them all to the module at once."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

FILE_KEYS = {"src", "content", "dest", "owner", "group", "mode", "validate", "vars"}


class ActionModule(ActionBase):
    """Turns ``src`` into ``content``; everything else is the module's business."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        files = args.get("files") or []
        if not isinstance(files, list):
            raise AnsibleActionFail("config_set: files must be a list")
        args["files"] = [self._render(spec, task_vars) for spec in files]
        result.update(self._execute_module("academie.malleposte.config_set", args, task_vars=task_vars))
        # What was asked holds every file, secrets included: a result is for the log, and tells the outcome alone. So a
        # refusal can be shown in the daemon's own words, without no_log.
        result.pop("invocation", None)
        return result

    def _render(self, spec: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(spec, dict) or set(spec) - FILE_KEYS:
            wrong = sorted(set(spec) - FILE_KEYS) if isinstance(spec, dict) else spec
            raise AnsibleActionFail(f"config_set: unexpected keys in a file: {wrong}; known: {sorted(FILE_KEYS)}")
        if ("src" in spec) == ("content" in spec):
            raise AnsibleActionFail(f"config_set: give either src or content: {spec.get('dest', spec)}")
        entry = {key: value for key, value in spec.items() if key not in {"src", "vars"}}
        if "src" in spec:
            entry.setdefault("dest", "/" + str(spec["src"]).removesuffix(".j2"))
            entry["content"] = self._template(str(spec["src"]), spec.get("vars") or {}, task_vars)
        return entry

    def _template(self, name: str, extra: dict[str, Any], task_vars: dict[str, Any]) -> str:
        try:
            source = self._find_needle("templates", name)
        except AnsibleError as error:
            raise AnsibleActionFail(f"config_set: {error}") from error
        search: list[str] = []
        for path in [*task_vars.get("ansible_search_path", []), self._loader.get_basedir()]:
            search += [os.path.join(path, "templates"), path]
        templar = self._templar.copy_with_new_env(
            searchpath=[os.path.dirname(source), *search],
            available_variables={**task_vars, **extra},
        )
        text = templar.template(
            trust_as_template(self._loader.get_text_file_contents(source)),
            escape_backslashes=False,
            overrides={"trim_blocks": True, "lstrip_blocks": True},
        )
        return "" if text is None else str(text)
