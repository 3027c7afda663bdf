"""The lab's list of hosts is an Ansible inventory (YAML): the one source of names and addresses.

The lab reads, for every host of the file, ``ansible_host`` and the optional ``lab_fqdn``,
``lab_memory_mb`` and ``lab_binds``; and, among the variables of ``all``, ``lab_prefix``, ``lab_suffix`` and
``lab_network``. Values are taken literally: the lab does not evaluate Jinja.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from malleposte.core.paths import DEFAULT_LABS, ENV_PREFIX, labs
from malleposte.dev.lab.errors import LabUsageError
from malleposte.dev.lab.settings import (  # fmt: skip
    ENV_NETWORK,
    LONGEST_PREFIX,
    Settings,
    check_prefix,
    derived_network,
)

_SUFFIX = re.compile(r"[a-z0-9]?")
_HOST = re.compile(r"[a-z][a-z0-9-]{0,30}")
_VARIABLES = ("lab_fqdn", "lab_memory_mb", "lab_binds", "ansible_host")


@dataclass(frozen=True)
class Bind:
    """A directory of the controller seen by a host."""

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Bind:
        """Read ``/on/the/controller:/in/the/host``; raise LabUsageError if it is anything else."""
        source, _, target = text.partition(":")
        if not (source.startswith("/") and target.startswith("/") and ":" not in target):
            raise LabUsageError(f"bad bind {text!r}: expected /on/the/controller:/in/the/host")
        return cls(source, target)

    def __str__(self) -> str:
        """Return the form that ``parse`` reads and systemd-nspawn takes."""
        return f"{self.source}:{self.target}"


@dataclass(frozen=True)
class HostSpec:
    """A host in the inventory. ``memory_mb`` is the memory that it will use, in MiB (0: unknown)."""

    name: str
    address: IPv4Address
    fqdn: str = ""
    memory_mb: int = 0
    binds: tuple[Bind, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names the host answers to, the full one first."""
        return (self.fqdn, self.name) if self.fqdn and self.fqdn != self.name else (self.name,)


@dataclass(frozen=True)
class Inventory:
    """An inventory as the lab sees it."""

    path: Path
    prefix: str
    network: IPv4Network
    hosts: tuple[HostSpec, ...]
    document: Mapping[str, Any]
    suffix: str = ""


def find(path: Path) -> Path:
    """Return the inventory file for ``path``: itself, or hosts.yml of the directory."""
    if path.is_dir():
        path = path / "hosts.yml"
    if not path.is_file():
        raise LabUsageError(f"no lab inventory at {path}")
    return path


def read(path: Path) -> Inventory:
    """Read the inventory at ``path`` (a file, or a directory with hosts.yml).

    Raises LabUsageError naming the file and the key when something is missing or makes no sense.
    """
    path = find(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise LabUsageError(f"{path}: not a YAML inventory ({str(error).splitlines()[0]})") from error
    if not isinstance(document, dict) or not all(isinstance(group, dict) for group in document.values()):
        raise LabUsageError(f"{path}: not a YAML inventory (expected groups at the top)")
    top = (document.get("all") or {}).get("vars") or {}
    if "lab_prefix" not in top:
        raise LabUsageError(f"{path}: no lab_prefix: its hosts are no lab's", "-i lab names the embedded lab")
    prefix = check_prefix(str(top.get("lab_prefix", "")))
    suffix = str(top.get("lab_suffix", ""))
    if not _SUFFIX.fullmatch(suffix):
        raise LabUsageError(f"{path}: lab_suffix: {suffix!r} is not one lower-case letter or digit")
    network = _network(str(top.get("lab_network", derived_network(prefix))), f"{path}: lab_network")
    merged: dict[str, dict[str, Any]] = {}
    for name, variables in _walk(document):
        merged.setdefault(name, {}).update(variables)
    hosts = tuple(_host(path, name, merged[name], network) for name in merged)
    if not hosts:
        raise LabUsageError(f"{path}: no host")
    seen: dict[IPv4Address, str] = {}
    for host in hosts:
        if host.address in seen:
            raise LabUsageError(f"{path}: {seen[host.address]} and {host.name} share {host.address}")
        seen[host.address] = host.name
    return Inventory(path, prefix, network, hosts, document, suffix)


def _walk(groups: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every (host, variables) of nested ``groups``; a host may come several times."""
    for group in (group or {} for group in groups.values()):
        for name, variables in (group.get("hosts") or {}).items():
            yield str(name), {key: value for key, value in (variables or {}).items() if key in _VARIABLES}
        yield from _walk(group.get("children") or {})


def _network(text: str, where: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise LabUsageError(f"{where}: {error}") from error
    if network.prefixlen > 28 or not network.is_private:
        raise LabUsageError(f"{where}: {text} is not a private network of 16 addresses or more")
    return network


def _host(path: Path, name: str, variables: Mapping[str, Any], network: IPv4Network) -> HostSpec:
    where = f"{path}: host {name}"
    if not _HOST.fullmatch(name):
        raise LabUsageError(f"{where}: a lab host is named by lower-case letters, digits and hyphens")
    try:
        address = IPv4Address(str(variables["ansible_host"]))
        memory = int(variables.get("lab_memory_mb", 0))
    except KeyError as error:
        raise LabUsageError(f"{where}: no ansible_host") from error
    except ValueError as error:
        raise LabUsageError(f"{where}: {error}") from error
    if address not in network or address in (network[0], network[1], network[-1]):
        raise LabUsageError(f"{where}: {address} is not a host address of {network}")
    binds = tuple(Bind.parse(str(text)) for text in variables.get("lab_binds") or ())
    return HostSpec(name, address, str(variables.get("lab_fqdn", "")), memory, binds)


def settle(
    inventory: Inventory,
    *,
    prefix: str | None = None,
    network: str | None = None,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Settings, Inventory]:
    """Choose prefix, network and directory: argument, environment, inventory, in this order.

    The inventory's suffix ends any prefix but its own, and leaves the environment's network to the other inventories:
    so two inventories make two labs under one environment.
    With another prefix than the inventory's, the network is the prefix's own unless said, and every host
    keeps its rank in it (10.213.80.11 becomes 10.213.81.11).
    """
    environ = os.environ if environ is None else environ
    wished = prefix or environ.get(ENV_PREFIX) or inventory.prefix
    if inventory.suffix and wished != inventory.prefix:
        wished = check_prefix(wished)[: LONGEST_PREFIX - 1] + inventory.suffix
    prefix = check_prefix(wished)
    said = network or (None if inventory.suffix else environ.get(ENV_NETWORK))
    if said:
        chosen = _network(said, "lab network")
    else:
        chosen = inventory.network if prefix == inventory.prefix else derived_network(prefix)
    settings = Settings(prefix, chosen, root or labs(environ))
    return settings, rehome(inventory, prefix, chosen)


def rehome(inventory: Inventory, prefix: str, network: IPv4Network) -> Inventory:
    """Return ``inventory`` with every host at the same rank of ``network``."""
    if prefix == inventory.prefix and network == inventory.network:
        return inventory
    hosts = []
    for host in inventory.hosts:
        rank = int(host.address) - int(inventory.network[0])
        if rank >= network.num_addresses - 1:
            raise LabUsageError(f"{network} is too small for {host.name} (address number {rank})")
        hosts.append(HostSpec(host.name, network[rank], host.fqdn, host.memory_mb, host.binds))
    return replace(inventory, prefix=prefix, network=network, hosts=tuple(hosts))


def is_own(inventory: Inventory, settings: Settings) -> bool:
    """Say whether the inventory file itself describes this lab, so that it may be deployed from as it is."""
    top = inventory.document["all"]["vars"]
    return (
        top.get("lab_prefix") == settings.prefix
        and top.get("lab_network", str(derived_network(settings.prefix))) == str(settings.network)
        and settings.root == DEFAULT_LABS
    )


def ssh_args(settings: Settings) -> str:
    """Return the ssh options of every road into the lab: host keys are checked against the lab's own list."""
    return (
        f"-o UserKnownHostsFile={settings.known_hosts} -o StrictHostKeyChecking=yes "
        f"-o IdentitiesOnly=yes -o ControlPath={settings.control_path} "
        "-o ServerAliveInterval=5 -o ServerAliveCountMax=6"
    )


def render(inventory: Inventory, settings: Settings) -> str:
    """Return the inventory of this very lab as YAML: same groups, its own addresses, keys and prefix."""
    document = copy.deepcopy(dict(inventory.document))
    top = document.setdefault("all", {})
    variables = top.setdefault("vars", {})
    variables.update(
        lab_prefix=settings.prefix,
        lab_network=str(settings.network),
        lab_state=str(settings.state),
        ansible_user="root",
        ansible_ssh_private_key_file=str(settings.key),
        ansible_ssh_common_args=ssh_args(settings),
    )
    addresses = {host.name: str(host.address) for host in inventory.hosts}
    _readdress(document, addresses)
    header = "---\n# Written by malleposte lab; changes are overwritten.\n"
    return header + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _readdress(groups: Mapping[str, Any], addresses: Mapping[str, str]) -> None:
    for group in groups.values():
        for name, variables in ((group or {}).get("hosts") or {}).items():
            if variables and "ansible_host" in variables:
                variables["ansible_host"] = addresses[str(name)]
        _readdress((group or {}).get("children") or {}, addresses)
