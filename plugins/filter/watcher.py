# SPDX-License-Identifier: GPL-3.0-or-later
"""For the roles of the watch: files of hosts and units, ports that must answer, the probe's accounts, other pagers."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from typing import Any

from ansible_collections.academie.malleposte.plugins.module_utils import manifest
from ansible_collections.academie.malleposte.plugins.module_utils.policy import devices
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

HOST_FILES = "/etc/prometheus/hosts"
UNITS = "/etc/systemd/system"


def watcher_files(hosts: Iterable[Mapping[str, Any]], template: str) -> list[dict[str, Any]]:
    """A file of Prometheus for each host, for C(config_set)."""
    return [
        {"src": template, "dest": f"{HOST_FILES}/{host['name']}.yml", "vars": {"item": dict(host)}} for host in hosts
    ]


def watch_drop_ins(units: Iterable[str], template: str) -> list[dict[str, Any]]:
    """A drop-in of systemd for each unit, for C(config_set)."""
    return [{"src": template, "dest": f"{UNITS}/{unit}.d/malleposte-watch.conf"} for unit in units]


def watcher_paths(groups: Iterable[str], services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The paths at which a host of these groups says its measures, by the service manifest."""
    return list(manifest.watch(services, groups)["paths"])


def watcher_ports(states: Iterable[Mapping[str, Any]], mail: str, pages: Iterable[str]) -> list[dict[str, Any]]:
    """Services whose state the portal tells, port 25 of `mail`, and further web sites: `{module, targets}`."""
    targets: dict[str, list[str]] = {"smtp": [f"{mail}:25"]}
    for state in states:
        place = f"{state['host']}:{state['port']}"
        targets.setdefault(state["kind"], []).append(
            f"https://{place}{state['path']}" if state["kind"] == "https" else place
        )
    targets.setdefault("https", []).extend(f"https://{page}:443/" for page in pages)
    return [{"module": kind, "targets": sorted(set(urls))} for kind, urls in sorted(targets.items())]


def pager_peers(hosts: Iterable[str], vaults: Container[str], domain: str, port: int) -> list[dict[str, Any]]:
    """Other pagers: `{name, address, vault}`."""
    return [
        {"name": short, "address": f"tls://{short}.{domain}:{port}", "vault": host in vaults}
        for host, short in ((str(one), str(one).split(".")[0]) for one in hosts)
    ]


def probe_accounts(hosts: Iterable[str], addresses: Mapping[str, str | list[str]], domain: str) -> list[dict[str, Any]]:
    """The two accounts of the probe of each host that walks one: `{uid, mail, host, networks, recipients}`."""
    rows = []
    for host in hosts:
        uids = [f"probe-{host.split('.')[0]}-{number}" for number in (1, 2)]
        mails = [f"{uid}@{domain}" for uid in uids]
        own = addresses[host]
        networks = [own] if isinstance(own, str) else list(own)
        rows += [
            {"uid": uid, "mail": mail, "host": host, "networks": networks, "recipients": mails}
            for uid, mail in zip(uids, mails, strict=True)
        ]
    return rows


def device_password(secret: str) -> str:
    """The password of a device that a secret of the inventory stands for; always the same for one secret."""
    number = int.from_bytes(hashlib.sha512(secret.encode()).digest())
    groups = []
    for size in devices.GROUPS:
        signs = ""
        for _ in range(size):
            number, place = divmod(number, len(devices.ALPHABET))
            signs += devices.ALPHABET[place]
        groups.append(signs)
    return "-".join(groups)


FilterModule = filters(
    watch_drop_ins, watcher_files, watcher_paths, watcher_ports, pager_peers, probe_accounts, device_password
)
