# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that clients and vaults of the backups have, one a client or vault, as ``config_set`` takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .backup_plan import COMMON

HEADER = "# Managed by Malleposte; a change made here is overwritten.\n"
KEYS = "/etc/ssh/borg"
PASSPHRASES = "/etc/malleposte/vault"
ARCHIVE = COMMON + "@{utcnow:%Y%m%dT%H%M%SZ}"
"""The name of borgmatic's archives; the form of every other archive of ours."""


def known_hosts(vaults: Sequence[Mapping[str, Any]], current: str) -> str:
    """The text of a known_hosts file: a line a vault, under its name.

    A vault whose key this run did not see (it is down, or outside ``--limit``) keeps the line it had.
    """
    old = {line.split()[0]: line for line in current.splitlines() if line.strip() and not line.startswith("#")}
    lines = []
    for vault in sorted(vaults, key=lambda one: str(one["name"])):
        name = str(vault["name"])
        line = f"{name} {vault['host_key']}" if vault.get("host_key") else old.get(name)
        if line:
            lines.append(f"{line}\n")
    return "".join(lines)


def rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Columns of one length, by name, as rows."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def pick(entries: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """The entries with these keys alone."""
    return [{key: entry[key] for key in keys} for entry in entries]


def targets(vaults: Sequence[Mapping[str, Any]], client: str, folder: str) -> list[dict[str, str]]:
    """The vaults as the client's program reads them."""
    return [
        {
            "name": vault["name"],
            "url": f"ssh://{vault['name']}{vault['root']}/{client}",
            "passphrase_file": f"{folder}/{vault['name']}.passphrase",
        }
        for vault in vaults
    ]


def engines(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sources, the files that are no mailbox given to borgmatic."""
    return [{**source, "engine": "borgmatic"} if source["name"] == COMMON else dict(source) for source in sources]


def borgmatic(settings: Mapping[str, Any], target: Mapping[str, str]) -> str:
    """borgmatic's configuration for one vault: JSON, which is YAML."""
    source = next(one for one in settings["sources"] if one["name"] == COMMON)
    base = f"{settings['base']}/{target['name']}"
    return json.dumps(
        {
            "source_directories": list(source["paths"]),
            "source_directories_must_exist": False,
            "exclude_patterns": list(source["exclude"]),
            "exclude_caches": True,
            "repositories": [{"path": f"{target['url']}/{COMMON}", "label": target["name"]}],
            "archive_name_format": ARCHIVE,
            "compression": settings["compression"],
            "encryption_passcommand": f"cat {target['passphrase_file']}",
            "ssh_command": f"ssh -F {settings['ssh_config']}",
            "borg_base_directory": base,
            "bootstrap": {"store_config_files": False},
            "lock_wait": 300,
        },
        indent=2,
        sort_keys=True,
    )


def client_files(vaults: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """For each vault: the key, the passphrase, borgmatic's configuration. Root's alone."""
    files = []
    for vault, target in zip(vaults, settings["vaults"], strict=True):
        folder = target["passphrase_file"].rpartition("/")[0]
        files += [
            {"dest": f"{folder}/{vault['name']}.key", "content": f"{vault['key'].strip()}\n", "mode": "0600"},
            {"dest": target["passphrase_file"], "content": f"{vault['passphrase']}\n", "mode": "0600"},
            {
                "dest": f"/etc/borgmatic.d/{vault['name']}.yaml",
                "content": f"{HEADER}{borgmatic(settings, target)}\n",
                "mode": "0600",
            },
        ]
    return files


WAIT = 60
"""Seconds for which a session waits for maintenance, most of which takes less."""


def forced(client: Mapping[str, Any], root: str, quota_gb: int, seconds: int, wait: int = WAIT) -> str:
    """The one command of a client's key: its own repositories, for ``seconds`` at most.

    No session begins while maintenance waits for the lock or has it: so no client, by holding one or by beginning the
    next before the last ends, delays maintenance for longer than one session. A session waits for ``wait`` seconds, and
    ends with status 75 then.
    """
    folder = f"{root}/{client['name']}"
    flock = f"flock --shared --wait {wait} --conflict-exit-code 75"
    words = [f"{flock} {folder}/gate true &&", f"exec timeout --kill-after=60 {seconds} {flock} {folder}/lock"]
    words.append(f"borg serve --umask=0007 --append-only --storage-quota={quota_gb}G")
    words += [f"--restrict-to-repository {root}/{client['name']}/{name}" for name in client["repositories"]]
    return " ".join(words)


def vault_files(
    clients: Sequence[Mapping[str, Any]], root: str, quota_gb: int, with_passphrases: bool, seconds: int
) -> list[dict[str, str]]:
    """For each client: its key with the one command, and its passphrase where the vault thins out."""
    files = []
    for client in clients:
        line = f'restrict,command="{forced(client, root, quota_gb, seconds)}" {client["key"].strip()}\n'
        files.append({"dest": f"{KEYS}/borg-{client['name']}", "content": HEADER + line})
        if with_passphrases:
            path = f"{PASSPHRASES}/{client['name']}"
            files.append({"dest": path, "content": f"{client['passphrase']}\n", "mode": "0600"})
    return files
