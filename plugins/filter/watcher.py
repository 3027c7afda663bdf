# SPDX-License-Identifier: GPL-3.0-or-later
"""For the roles watcher and pager: the files of watched hosts, the ports that must answer, the other pagers."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

HOST_FILES = "/etc/prometheus/hosts"


def watcher_files(hosts: Iterable[Mapping[str, Any]], template: str) -> list[dict[str, Any]]:
    """A file of Prometheus for each host, for C(config_set)."""
    return [
        {"src": template, "dest": f"{HOST_FILES}/{host['name']}.yml", "vars": {"item": dict(host)}} for host in hosts
    ]


def watcher_ports(states: Iterable[Mapping[str, Any]], mail: str) -> list[dict[str, Any]]:
    """The services whose state the portal tells, and port 25 of `mail`: `{module, targets}`, by way of asking."""
    found: dict[str, list[str]] = {"smtp": [f"{mail}:25"]}
    for state in states:
        place = f"{state['host']}:{state['port']}"
        found.setdefault(state["kind"], []).append(
            f"https://{place}{state['path']}" if state["kind"] == "https" else place
        )
    return [{"module": kind, "targets": sorted(set(targets))} for kind, targets in sorted(found.items())]


def pager_peers(hosts: Iterable[str], vaults: Container[str], domain: str, port: int) -> list[dict[str, Any]]:
    """Other pagers: `{name, address, vault}`."""
    return [
        {"name": short, "address": f"tls://{short}.{domain}:{port}", "vault": host in vaults}
        for host, short in ((str(one), str(one).split(".")[0]) for one in hosts)
    ]


class FilterModule:
    """The filters that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Names of the filters."""
        return {"watcher_files": watcher_files, "watcher_ports": watcher_ports, "pager_peers": pager_peers}
