"""The ssh command to a host, as Ansible would reach it."""

from __future__ import annotations

import atexit
import functools
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WAY: Mapping[str, str] = {
    "host": "{{ ansible_host | default(inventory_hostname) }}",
    "user": "{{ ansible_user | default('') }}",
    "port": "{{ ansible_port | default('') }}",
    "key": "{{ ansible_ssh_private_key_file | default(ansible_private_key_file | default('')) }}",
    "ssh_args": "{{ ansible_ssh_common_args | default('') }} {{ ansible_ssh_extra_args | default('') }}",
}
"""The needed facts of a host, as Ansible's templates. An empty user, port or key is ssh's own choice."""
PATIENCE = 15  # seconds for a host to let us in
OWN = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
"""A connection of its own, which ends with its program."""


def way(variables: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the facts that WAY asks for, from a host's variables as they are written."""
    key = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file") or ""
    arguments = (str(variables.get(one, "")) for one in ("ansible_ssh_common_args", "ansible_ssh_extra_args"))
    return {
        "host": str(variables.get("ansible_host", name)),
        "user": str(variables.get("ansible_user", "")),
        "port": str(variables.get("ansible_port", "")),
        "key": str(key),
        "ssh_args": " ".join(arguments),
    }


def words(way: Mapping[str, Any], *, patience: int = PATIENCE, more: Sequence[str] = ()) -> list[str]:
    """The words up to the host; what is to run there comes after them. Of an option said twice, `more` counts."""
    argv = ["ssh", *more, "-o", "BatchMode=yes", "-o", f"ConnectTimeout={patience}"]
    for option, key in (("-p", "port"), ("-i", "key")):
        argv += [option, str(way[key])] if way[key] else []
    argv += shlex.split(str(way["ssh_args"]))
    return [*argv, f"{way['user']}@{way['host']}" if way["user"] else str(way["host"])]


@functools.cache
def _complaints() -> Path:
    folder = tempfile.mkdtemp(prefix="malleposte-ssh-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def complaints(name: str) -> tuple[str, str]:
    """The option by which ssh writes its own complaints about a host into a file; the program's pass through."""
    return "-E", str(_complaints() / name)


def reason(name: str) -> str:
    """Return the last complaint about a host; empty where there is none."""
    try:
        lines = (_complaints() / name).read_text("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip().removeprefix("ssh: ") for line in reversed(lines) if line.strip()), "")


def leave(socket: Path | str) -> list[str]:
    """The command that ends a connection which is kept at a socket."""
    return ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any"]
