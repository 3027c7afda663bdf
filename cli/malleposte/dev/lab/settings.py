"""The places and names of a lab: prefix, directories, names of everything it makes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from malleposte.core.paths import DEFAULT_LABS
from malleposte.dev.lab.errors import LabUsageError

ENV_NETWORK = "MALLEPOSTE_LAB_NETWORK"
ENV_DNS = "MALLEPOSTE_LAB_DNS"

# Eight characters leave room for "-br0" and for "vb-" in a Linux interface name (15 characters).
LONGEST_PREFIX = 8
_PREFIX = re.compile(rf"[a-z][a-z0-9]{{0,{LONGEST_PREFIX - 1}}}")


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` if it can name a lab, else raise LabUsageError."""
    if not _PREFIX.fullmatch(prefix):
        raise LabUsageError(f"bad lab prefix {prefix!r}: one to eight lower-case letters and digits, a letter first")
    return prefix


def derived_network(prefix: str) -> IPv4Network:
    """Return the /24 of 10.213.0.0/16 that belongs to ``prefix`` when nothing else is said."""
    third = hashlib.sha256(prefix.encode()).digest()[0] % 254 + 1
    return IPv4Network(f"10.213.{third}.0/24")


@dataclass(frozen=True)
class Settings:
    """Names and places of one lab; nothing here touches the machine."""

    prefix: str
    network: IPv4Network
    root: Path = DEFAULT_LABS

    @property
    def state(self) -> Path:
        """Return the directory that holds all of this lab and nothing else."""
        return self.root / self.prefix

    @property
    def shared(self) -> Path:
        """Return the directory shared by all labs: base trees and package files."""
        return self.root / ".shared"

    @property
    def lock(self) -> Path:
        """Return the lock file of this lab."""
        return self.root / f".{self.prefix}.lock"

    @property
    def hosts(self) -> Path:
        """Return the directory of the hosts."""
        return self.state / "hosts"

    @property
    def ssh(self) -> Path:
        """Return the directory of the operator key, known_hosts and ssh control sockets."""
        return self.state / "ssh"

    @property
    def key(self) -> Path:
        """Return the operator's private key."""
        return self.ssh / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Return the known_hosts file written from the hosts' own keys."""
        return self.ssh / "known_hosts"

    @property
    def control_path(self) -> str:
        """Return the ssh ControlPath pattern, by host; the lab closes these sockets when a host goes away."""
        return str(self.ssh / "cm-%r@%h:%p")

    @property
    def resolvers(self) -> Path:
        """Return the file with the controller's resolvers, one address a line."""
        return self.state / "resolvers"

    @property
    def inventory(self) -> Path:
        """Return the inventory written for this lab."""
        return self.state / "inventory"

    @property
    def claim(self) -> Path:
        """Return the file that names the inventory that the lab was deployed from."""
        return self.state / "deployed-from"

    @property
    def maker(self) -> Path:
        """Return the file that names the checkout that made the lab."""
        return self.state / "made-by"

    @property
    def bridge(self) -> str:
        """Return the name of the bridge."""
        return f"{self.prefix}-br0"

    @property
    def table(self) -> str:
        """Return the name of the nftables table (family ip)."""
        return f"malleposte_{self.prefix}"

    @property
    def gateway(self) -> IPv4Address:
        """Return the controller's address on the bridge: the first of the network."""
        return self.network[1]

    def machine(self, host: str) -> str:
        """Return the machine name of ``host``, unique on the controller."""
        return f"{self.prefix}-{host}"
