"""Reach an inventory's directory from the controller: its Unix socket, forwarded by ssh as Ansible connects."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.ldap import LdapDirectory
from malleposte.fleet import remote, vault
from malleposte.platform import facts
from malleposte.platform.classes import Classes

SOCKET = "/run/slapd/ldapi"
GROUP = "directory"
WRITER = "provision"
PATIENCE = 30.0  # seconds for ssh to forward the socket


@dataclass(frozen=True)
class Place:
    """The address of a directory: the platform's domain, and the ssh arguments to its host."""

    domain: str
    ssh: tuple[str, ...]
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The inventory's variables of the host, as they are written."""

    @property
    def classes(self) -> Classes:
        """The classes of service of the platform. Raises InputError."""
        return facts.classes(self.variables, "the inventory")

    @property
    def suffix(self) -> str:
        """The suffix of the domain."""
        return ",".join(f"dc={label}" for label in self.domain.lower().split("."))


def place(inventory: Path) -> Place:
    """The first host of the group `directory`, in it or below it. Raises InputError without one, or a domain."""
    return place_of(remote.listing(inventory), inventory)


def place_of(listing: Mapping[str, Any], inventory: Path) -> Place:
    """The same of a listing of the inventory."""
    hosts = remote.members(listing, GROUP)
    if not hosts:
        raise InputError(f"inventory {inventory}: no host in the group {GROUP}")
    variables = listing.get("_meta", {}).get("hostvars", {}).get(hosts[0], {})
    domain = str(variables.get("malleposte_domain", ""))
    if not domain:
        raise InputError(f"inventory {inventory}: no malleposte_domain for {hosts[0]}")
    return Place(domain, remote.ssh_to(variables, hosts[0]), variables)


@contextmanager
def forwarded(ssh: tuple[str, ...], remote: str = SOCKET) -> Iterator[Path]:
    """A local Unix socket that leads to the host's; gone at the end. Raises MallepostError when ssh cannot."""
    with tempfile.TemporaryDirectory(prefix="malleposte-") as folder:
        local = Path(folder) / "ldapi"
        argv = [*ssh[:-1], "-o", "ExitOnForwardFailure=yes", "-N", "-L", f"{local}:{remote}", ssh[-1]]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tunnel:
            try:
                _wait(tunnel, local)
                yield local
            finally:
                tunnel.terminate()


def _wait(tunnel: subprocess.Popen[str], local: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _listens(local):
        if tunnel.poll() is not None or time.monotonic() > deadline:
            tunnel.terminate()
            words = (tunnel.stderr.read() if tunnel.stderr else "").strip().splitlines()
            raise MallepostError(f"the directory's host cannot be reached: {words[-1] if words else 'no answer'}")
        time.sleep(0.05)


def _listens(local: Path) -> bool:
    """Whether somebody takes connections there: the file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(local))
        except OSError:
            return False
    return True


@contextmanager
def directory(inventory: Path, where: Place) -> Iterator[LdapDirectory]:
    """The directory of an inventory, bound as its one writer."""
    folder = inventory if inventory.is_dir() else inventory.parent
    password = vault.read_text(folder / "secrets" / f"ldap-{WRITER}")
    dn = f"cn={WRITER},ou=services,{where.suffix}"
    with forwarded(where.ssh) as local, LdapDirectory(f"ldapi://{local}", where.suffix, dn, password) as bound:
        yield bound
