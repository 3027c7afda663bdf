"""Reach an inventory's directory from the controller: its Unix socket, forwarded by ssh as Ansible connects."""

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accounts import vault
from malleposte.directory.ldap import LdapDirectory
from malleposte.errors import InputError, MallepostError
from malleposte.run import environment

SOCKET = "/run/slapd/ldapi"
GROUP = "directory"
WRITER = "provision"
PATIENCE = 30.0  # seconds for ssh to forward the socket


@dataclass(frozen=True)
class Place:
    """Where a directory is: the platform's domain, and the ssh arguments to its host."""

    domain: str
    ssh: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """The suffix of the domain."""
        return ",".join(f"dc={label}" for label in self.domain.lower().split("."))


def place(inventory: Path) -> Place:
    """The first host of the group `directory`. Raises InputError when the inventory has none, or no domain."""
    tool = Path(sys.executable).with_name("ansible-inventory")
    argv = [str(tool) if tool.exists() else "ansible-inventory", "-i", str(inventory), "--list"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment())
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no answer"]
        raise InputError(f"inventory {inventory}: {lines[-1]}")
    return _place(json.loads(done.stdout), inventory)


def _place(listing: Mapping[str, Any], inventory: Path) -> Place:
    hosts = listing.get(GROUP, {}).get("hosts", [])
    if not hosts:
        raise InputError(f"inventory {inventory}: no host in the group {GROUP}")
    facts = listing.get("_meta", {}).get("hostvars", {}).get(hosts[0], {})
    domain = str(facts.get("malleposte_domain", ""))
    if not domain:
        raise InputError(f"inventory {inventory}: no malleposte_domain for {hosts[0]}")
    return Place(domain, tuple(_ssh(facts, hosts[0])))


def _ssh(facts: Mapping[str, Any], name: str) -> list[str]:
    # A connection of its own: what it forwards must end with it.
    argv = ["ssh", "-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "BatchMode=yes"]
    argv += ["-o", "ConnectTimeout=15", "-o", "ExitOnForwardFailure=yes"]
    if facts.get("ansible_port"):
        argv += ["-p", str(facts["ansible_port"])]
    key = facts.get("ansible_ssh_private_key_file") or facts.get("ansible_private_key_file")
    if key:
        argv += ["-i", str(key)]
    for extra in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        argv += shlex.split(str(facts.get(extra, "")))
    user = facts.get("ansible_user")
    host = facts.get("ansible_host", name)
    return [*argv, f"{user}@{host}" if user else str(host)]


@contextmanager
def forwarded(ssh: tuple[str, ...], remote: str = SOCKET) -> Iterator[Path]:
    """A local Unix socket that leads to the host's; gone at the end. Raises MallepostError when ssh cannot."""
    with tempfile.TemporaryDirectory(prefix="malleposte-") as folder:
        local = Path(folder) / "ldapi"
        argv = [*ssh[:-1], "-N", "-L", f"{local}:{remote}", ssh[-1]]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tunnel:
            try:
                _wait(tunnel, local)
                yield local
            finally:
                tunnel.terminate()


def _wait(tunnel: subprocess.Popen[str], local: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not local.exists():
        if tunnel.poll() is not None or time.monotonic() > deadline:
            tunnel.terminate()
            words = (tunnel.stderr.read() if tunnel.stderr else "").strip().splitlines()
            raise MallepostError(f"the directory's host cannot be reached: {words[-1] if words else 'no answer'}")
        time.sleep(0.05)


@contextmanager
def directory(inventory: Path, where: Place) -> Iterator[LdapDirectory]:
    """The directory of an inventory, bound as its one writer."""
    folder = inventory if inventory.is_dir() else inventory.parent
    password = vault.read_text(folder / "secrets" / f"ldap-{WRITER}")
    dn = f"cn={WRITER},ou=services,{where.suffix}"
    with forwarded(where.ssh) as socket, LdapDirectory(f"ldapi://{socket}", where.suffix, dn, password) as bound:
        yield bound
