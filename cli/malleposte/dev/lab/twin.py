"""The twin: the hosts of a snapshot a second time, with the same addresses, in a network namespace of its own.

Tests that must be alone on a lab can then run beside others. The twin stands on the frozen layers of the first lab, so
that it costs no copy and no deploy. What speaks to its hosts runs in its namespace (``enter``), with its environment
(``env``).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from malleposte.core.paths import ENV_PREFIX
from malleposte.dev.lab import state
from malleposte.dev.lab.errors import LabUsageError
from malleposte.dev.lab.lab import Lab
from malleposte.dev.lab.machine import controller
from malleposte.dev.lab.machine.host import Host
from malleposte.dev.lab.settings import ENV_NETWORK, LONGEST_PREFIX, Settings, derived_network

SUFFIXES = ("t", "w")
"""A letter for each twin that a lab may have; it ends the names of its hosts."""
NAMESPACES = Path("/run/netns")


@dataclass(frozen=True)
class Twin:
    """Names and places of a twin of a lab; `suffix`, one of SUFFIXES, tells one twin from another."""

    first: Lab
    suffix: str = SUFFIXES[0]

    @property
    def settings(self) -> Settings:
        """Its prefix ends in the suffix; its network is that of the first lab."""
        prefix = self.first.settings.prefix[: LONGEST_PREFIX - 1] + self.suffix
        return replace(self.first.settings, prefix=prefix)

    @property
    def lab(self) -> Lab:
        """The lab itself. Only what asks nothing of the network may be called from outside the namespace."""
        return Lab(self.settings, self.first.inventory, run=self.first.run, report=self.first.report)

    @property
    def namespace(self) -> str:
        """The name of its network namespace, and of the table that masks its way out."""
        return f"malleposte_{self.settings.prefix}"

    @property
    def uplink(self) -> IPv4Network:
        """The network between the controller and the namespace: its own, of which two addresses are used."""
        return derived_network(self.settings.prefix)

    @property
    def env(self) -> dict[str, str]:
        """The environment that names it."""
        return {ENV_PREFIX: self.settings.prefix, ENV_NETWORK: str(self.settings.network)}

    @property
    def enter(self) -> tuple[str, ...]:
        """The words before a command that speaks to its hosts."""
        return ("nsenter", f"--net={NAMESPACES / self.namespace}")

    def make(self, label: str) -> None:
        """Make it of the snapshot `label`, in place of an older twin; its hosts do not run yet.

        Raises LabUsageError where a host of the first lab has no such snapshot, or another lab has the twin's name.
        """
        controller.require_root()
        if self._is_another_lab:
            name = self.settings.prefix
            raise LabUsageError(f"the lab {name} stands, and the twin would take its place", "give it another prefix")
        self.remove()
        for host in self.first.hosts():
            self._stand(host, label)
        secrets = self.first.deploy_inventory / "secrets"
        self.settings.inventory.mkdir(parents=True)
        if secrets.is_dir():
            shutil.copytree(secrets, self.settings.inventory / "secrets")
        shutil.copytree(self.first.settings.ssh, self.settings.ssh, ignore=shutil.ignore_patterns("cm-*"))
        self._connect()

    @property
    def _is_another_lab(self) -> bool:
        """Whether a lab has this name that is no twin: a twin has links to the first lab's layers beside its own."""
        layers = list(self.settings.hosts.glob("*/layers/*"))
        return bool(layers) and not any(layer.is_symlink() for layer in layers)

    def _stand(self, host: Host, label: str) -> None:
        """A host of the twin on the frozen layers of the first."""
        original = host.state_made()
        if label not in original.snapshots:
            raise LabUsageError(f"no snapshot {label} on {host.name}")
        folder = self.settings.hosts / host.name
        (folder / "layers").mkdir(parents=True)
        for name in original.snapshots[label]:
            (folder / "layers" / name).symlink_to(host.layer(name))
        own = replace(original.restored(label, host.own_binds), snapshots={label: original.snapshots[label]})
        state.save(folder / "state.json", own)

    def _connect(self) -> None:
        """Make the namespace, with a way out for packages."""
        run, ours, theirs = self.first.run, f"{self.settings.prefix}-up", f"{self.settings.prefix}-in"
        here, there = self.uplink[1], self.uplink[2]
        run(["ip", "netns", "add", self.namespace])
        run(["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.namespace])
        run(["ip", "address", "add", f"{here}/{self.uplink.prefixlen}", "dev", ours])
        run(["ip", "link", "set", "dev", ours, "up"])
        inside = ["ip", "-netns", self.namespace]
        run([*inside, "link", "set", "dev", "lo", "up"])
        run([*inside, "address", "add", f"{there}/{self.uplink.prefixlen}", "dev", theirs])
        run([*inside, "link", "set", "dev", theirs, "up"])
        run([*inside, "route", "add", "default", "via", str(here)])
        table = self.namespace
        rules = f"""\
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {self.uplink} oifname != "{ours}" masquerade
    }}
}}
"""
        run(["nft", "-f", "-"], stdin=rules)

    def remove(self) -> None:
        """Remove it: hosts, files, namespace. Nothing happens where there is none."""
        run = self.first.run
        if self.settings.state.is_dir():
            self.lab.down()
        if (NAMESPACES / self.namespace).exists():
            run(["ip", "netns", "delete", self.namespace])
        # The kernel may be removing it at that moment, as its other end was in the namespace.
        run(["ip", "link", "delete", "dev", f"{self.settings.prefix}-up"], check=False)
        if run(["nft", "list", "table", "ip", self.namespace], check=False).code == 0:
            run(["nft", "delete", "table", "ip", self.namespace])
