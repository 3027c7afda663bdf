# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the php_fpm role: the file of a pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SIZE = re.compile(r"[0-9]+[KMG]?")
KEYS = {
    "name",
    "user",
    "socket",
    "socket_group",
    "children",
    "spare",
    "memory",
    "upload",
    "timeout_seconds",
    "open",
    "writable",
    "disabled",
    "env",
    "settings",
}
DEFAULTS: dict[str, Any] = {
    "socket_group": "www-data",
    "children": 20,
    "spare": 3,
    "memory": "128M",
    "upload": "8M",
    "timeout_seconds": 120,
    "open": [],
    "writable": [],
    "env": {},
    "settings": {},
}
# Functions that start a program or read facts of the host.
DISABLED = [
    "exec",
    "passthru",
    "shell_exec",
    "system",
    "proc_open",
    "popen",
    "pcntl_exec",
    "pcntl_fork",
    "dl",
    "symlink",
    "link",
    "posix_kill",
    "posix_setuid",
    "posix_setgid",
    "putenv",
    "phpinfo",
    "show_source",
]


def _quoted(value: Any) -> str:
    text = str(value)
    if re.search(r'["\\\n\r]', text):
        raise AnsibleFilterError(f"php_fpm: a value holds a quote, a backslash or a line end: {text!r}")
    return f'"{text}"'


def php_fpm_pool(pool: Mapping[str, Any]) -> str:
    """The file of one pool. ``spare`` processes wait for requests, up to twice as many when there was much to do.

    PHP's ``pm = ondemand`` makes a process when a connection comes, if it then believes that none is idle: of many that
    come together some wait until another one comes, whatever ``children`` allows. ``dynamic`` looks each second.

    :raises AnsibleFilterError: an unknown or missing key, a name, a path or a size that cannot stand.
    """
    unknown = sorted(set(pool) - KEYS)
    if unknown:
        raise AnsibleFilterError(f"php_fpm_pools: unknown key {unknown[0]}; known: {', '.join(sorted(KEYS))}")
    whole = {**DEFAULTS, "disabled": DISABLED, **pool}
    name = str(whole.get("name", ""))
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(str(whole.get("user", ""))) or whole.get("user") == "root":
        raise AnsibleFilterError(f"php_fpm_pools: {name or 'a pool'} needs a name and a user other than root")
    paths = [whole.get("socket", ""), *whole["open"], *whole["writable"]]
    wrong = [path for path in paths if not re.fullmatch(r"/[A-Za-z0-9_./-]+", str(path))]
    if wrong:
        raise AnsibleFilterError(f"php_fpm_pools: {name}: not a path: {wrong[0]!r}")
    for key in ("memory", "upload"):
        if not _SIZE.fullmatch(str(whole[key])):
            raise AnsibleFilterError(f"php_fpm_pools: {name}: {key} cannot be {whole[key]!r}; write 128M")
    return "\n".join(_lines(name, whole)) + "\n"


def _lines(name: str, pool: Mapping[str, Any]) -> list[str]:
    spare = int(pool["spare"])
    if not 0 < spare <= int(pool["children"]):
        raise AnsibleFilterError(f"php_fpm_pools: {name}: spare cannot be {spare}; write 1 to {pool['children']}")
    if int(pool["timeout_seconds"]) < 1:  # PHP takes 0 for no end
        raise AnsibleFilterError(
            f"php_fpm_pools: {name}: timeout_seconds cannot be {pool['timeout_seconds']}; write 60"
        )
    lines = [
        f"[{name}]",
        f"user = {pool['user']}",
        f"group = {pool['user']}",
        f"listen = {pool['socket']}",
        "listen.owner = root",
        f"listen.group = {pool['socket_group']}",
        "listen.mode = 0660",
        "pm = dynamic",
        f"pm.max_children = {int(pool['children'])}",
        f"pm.start_servers = {spare}",
        f"pm.min_spare_servers = {spare}",
        f"pm.max_spare_servers = {min(2 * spare, int(pool['children']))}",
        "pm.max_requests = 1000",
        f"request_terminate_timeout = {int(pool['timeout_seconds'])}s",
        "clear_env = yes",
        "catch_workers_output = yes",
        "decorate_workers_output = no",
        "security.limit_extensions = .php",
    ]
    lines += [f"env[{key}] = {_quoted(value)}" for key, value in sorted(pool["env"].items())]
    # PHP's own /tmp is out of its reach: without a folder of the pool every file that is sent is refused.
    temporary = next(iter(pool["writable"]), "")
    settings = {
        "open_basedir": ":".join([*pool["open"], *pool["writable"]]),
        "disable_functions": ",".join(pool["disabled"]),
        "memory_limit": pool["memory"],
        "upload_max_filesize": pool["upload"],
        "post_max_size": pool["upload"],
        "upload_tmp_dir": temporary,
        "sys_temp_dir": temporary,
        **pool["settings"],
    }
    lines += [f"php_admin_value[{key}] = {_quoted(value)}" for key, value in settings.items() if str(value)]
    flags = {"expose_php": False, "display_errors": False, "log_errors": True, "allow_url_include": False}
    return lines + [f"php_admin_flag[{key}] = {'on' if value else 'off'}" for key, value in flags.items()]


FilterModule = filters(php_fpm_pool)
