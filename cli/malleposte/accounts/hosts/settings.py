"""Settings of hostd: the things of this host, the clients over TLS, the other hosts (role hostd, root alone)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.hosts.model import KINDS
from malleposte.accounts.hosts.remote import RemoteHost, Way
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import InputError
from malleposte.runtime import settings

FILE = Path("/etc/malleposte/hostd.json")


class Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another host: its name in the inventory, its address, and those of KINDS that it holds."""

    name: str
    address: str
    holds: frozenset[str]

    def __post_init__(self) -> None:
        """Raise ValueError for what is none of KINDS."""
        if strange := self.holds - KINDS:
            raise ValueError(f"{min(strange)} is not known")


class HostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`here` goes into the rules (`LifeRules`); `clients` has digests of secrets by name; `hosts` are the others."""

    here: dict[str, Any]
    certificate: Path
    key: Path
    clients: dict[str, str] = {}
    client: str = ""
    hosts: tuple[Other, ...] = ()
    secrets: Path = Path("/etc/malleposte/keys/hostd.json")
    """The secret for each other host, by its name."""

    @classmethod
    def read(cls, path: Path = FILE) -> HostSettings:
        """Read them. Raises InputError naming the file and what is wrong."""
        return settings.read(path, cls, "hostd", "this works as root on a host that was deployed")

    def rules(self) -> LifeRules:
        """Return the rules with the things of this host. Raises InputError."""
        return LifeRules.parse(self.here, str(FILE))

    def others(self) -> list[RemoteHost]:
        """The other hosts that hold something. Raises InputError."""
        if not self.hosts:
            return []
        secrets = settings.read(self.secrets, dict[str, str], "hostd", "deploy again")
        if lacking := [host.name for host in self.hosts if host.name not in secrets]:
            raise InputError(f"{self.secrets}: no secret for {lacking[0]}", "deploy again")
        ways = ((host, Way(host.address, self.client, secrets[host.name])) for host in self.hosts)
        return [RemoteHost(host.name, host.holds, way) for host, way in ways]
