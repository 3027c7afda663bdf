# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the roundcube role: settings written as PHP, and the files of its plugins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters


def php_value(value: Any) -> str:
    """A value as PHP writes it: null, booleans, numbers, texts, lists and tables."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "[" + ", ".join(f"{php_value(key)} => {php_value(item)}" for key, item in value.items()) + "]"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(php_value(item) for item in value) + "]"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def php_config(options: Mapping[str, Any]) -> str:
    """Lines that fill the table ``$config``. It is there even without options: Roundcube asks for it."""
    lines = ["$config = [];"]
    return "\n".join(lines + [f"$config[{php_value(str(key))}] = {php_value(item)};" for key, item in options.items()])


def roundcube_plugin_files(plugins: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Files of config_set for the plugins that have options.

    :raises AnsibleFilterError: a name that is no plugin's.
    """
    wrong = [name for name in plugins if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
    if wrong:
        raise AnsibleFilterError(f"roundcube_plugins: not a plugin: {wrong[0]!r}")
    return [
        {
            "src": "etc/roundcube/plugins/config.inc.php.j2",
            "dest": f"/etc/roundcube/plugins/{name}/config.inc.php",
            "validate": "php -l %s",
            "vars": {"options": dict(options)},
        }
        for name, options in plugins.items()
        if options
    ]


FilterModule = filters(php_config, roundcube_plugin_files)
