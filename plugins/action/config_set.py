# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the templates of a config_set task on the controller, then hand them all to the module at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.hashing import secure_hash
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

FILE_KEYS = {"src", "content", "dest", "owner", "group", "mode", "validate", "vars"}
FOLDER_KEYS = {"folder", "dest", "validate"}


def _before(user: dict[str, str] | None, folders: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Modules of Ansible and their arguments that make what must be there before the files."""
    if user:
        own = {"group": user["name"], **user, "system": True}
        yield "group", {"name": own["group"], "system": True}
        yield "user", {**own, "home": "/nonexistent", "create_home": False, "shell": "/usr/sbin/nologin"}
    for folder in folders:
        yield "file", {"owner": "root", "group": "root", **folder, "state": "directory"}


class ActionModule(ActionBase):
    """Turns ``src`` into ``content`` and passes the contents apart, so that no log holds them."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        files = args.get("files") or []
        if not isinstance(files, list):
            raise AnsibleActionFail("config_set: files must be a list")
        for module, arguments in _before(args.pop("user", None), args.pop("folders", [])):
            made = self._execute_module(f"ansible.builtin.{module}", arguments, task_vars=task_vars)
            if made.get("failed"):
                result.update(made)
                return result
            result["changed"] = result.get("changed", False) or made.get("changed", False)
        rendered = [entry for spec in files for entry in self._entries(spec, task_vars)]
        args["contents"] = [str(spec.pop("content", None) or "") for spec in rendered]
        args["files"] = rendered
        if self._task.check_mode:
            self._with_new_programs(args, task_vars)
        done = self._execute_module("academie.malleposte.config_set", args, task_vars=task_vars)
        result |= done | {"changed": result.get("changed", False) or done.get("changed", False)}
        # The arguments hold every file, secrets included: a result is for the log, and tells the outcome alone. So a
        # refusal can be shown in the daemon's own words, without no_log.
        result.pop("invocation", None)
        return result

    def _with_new_programs(self, args: dict[str, Any], task_vars: dict[str, Any]) -> None:
        """Have the checks run by a copy of today's archive: in check mode the host keeps that of the last deploy, whose
        programs may be others. The copy goes with the task's other temporary files.
        """
        asking = [
            (where, key)
            for where, key in [(args, "validate_staged"), *((spec, "validate") for spec in args["files"])]
            if toolkit.HOSTS.path in str(where.get(key) or "")
        ]
        if not asking:
            return
        archive = toolkit.written(Path(str(constants.DEFAULT_LOCAL_TMP)))
        known = self._execute_remote_stat(toolkit.HOSTS.path, all_vars=task_vars, follow=False)
        if known.get("checksum") == secure_hash(str(archive)):
            return
        folder = self._connection._shell.tmpdir or self._make_tmp_path()
        copy = self._transfer_file(str(archive), self._connection._shell.join_path(folder, archive.name))
        self._fixup_perms2((folder, copy))
        for where, key in asking:
            where[key] = str(where[key]).replace(toolkit.HOSTS.path, str(copy))

    def _entries(self, spec: Any, task_vars: dict[str, Any]) -> list[dict[str, Any]]:
        """One file, or each of a folder, whose checks are by the endings of names."""
        if not isinstance(spec, dict) or "folder" not in spec:
            return [self._render(spec, task_vars)]
        checks = spec.get("validate") or {}
        if set(spec) - FOLDER_KEYS or not isinstance(checks, dict):
            raise AnsibleActionFail(f"config_set: a folder has a dest, and validate by endings: {spec}")
        folder = Path(self._needle("files", str(spec["folder"])))
        target = Path(spec.get("dest") or f"/{spec['folder']}")
        return [
            {
                "dest": str(target / path.relative_to(folder)),
                "content": path.read_text("utf-8"),
                "validate": checks.get(path.suffix.removeprefix(".")),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]

    def _needle(self, kind: str, name: str) -> str:
        try:
            return str(self._find_needle(kind, name))
        except AnsibleError as error:
            raise AnsibleActionFail(f"config_set: {error}") from error

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
        source = self._needle("templates", name)
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
