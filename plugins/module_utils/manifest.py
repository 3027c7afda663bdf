# SPDX-License-Identifier: GPL-3.0-or-later
"""The service manifest, aggregated: what one host listens on, runs, and must keep in its backups.

An entry says what a service is, once (``playbooks/group_vars/all/services.yml``):

``group``    the inventory group whose hosts run it
``units``    its systemd units
``listen``   ports: ``{name, port, proto (tcp), from}``; ``from`` holds ``any`` or names of ``malleposte_networks``
``dns``      SRV records to publish: ``{service, proto (tcp), port, target}`` (RFC 6186, RFC 6764)
``backup``   ``{paths, dumps}``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

KNOWN_KEYS = frozenset({"group", "units", "listen", "dns", "backup", "health", "tile", "vhost"})
ANYWHERE = "any"


class ManifestError(ValueError):
    """An entry that cannot be right; the message names the service and the key."""


def check_manifest(services: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses unknown keys, missing groups, and two services of one group on the same port."""
    taken: dict[tuple[str, int, str], str] = {}
    for name, service in services.items():
        unknown = sorted(set(service) - KNOWN_KEYS)
        if unknown:
            raise ManifestError(f"service {name}: unknown key {unknown[0]}; known: {', '.join(sorted(KNOWN_KEYS))}")
        if not service.get("group"):
            raise ManifestError(f"service {name}: group is missing")
        for listen in service.get("listen", []):
            port = listen.get("port")
            if not isinstance(port, int) or not 0 < port < 65536:
                raise ManifestError(f"service {name}: port {port!r} is not between 1 and 65535")
            key = (service["group"], port, listen.get("proto", "tcp"))
            if key in taken:
                raise ManifestError(f"service {name}: port {port}/{key[2]} is already taken by {taken[key]}")
            taken[key] = name


def services_of(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The entries whose group is among a host's groups."""
    mine = set(groups)
    return {name: service for name, service in services.items() if service.get("group") in mine}


def firewall_rules(
    services: Mapping[str, Mapping[str, Any]],
    groups: Iterable[str],
    networks: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The ports of one host: ``[{name, port, proto, sources}]``, by port; no sources means anyone.

    A port whose networks are all empty is left closed: an empty list must never open a port to everyone.
    """
    check_manifest(services)
    rules = []
    for name, service in services_of(services, groups).items():
        for listen in service.get("listen", []):
            origins = list(listen.get("from", [ANYWHERE]))
            unknown = [origin for origin in origins if origin != ANYWHERE and origin not in networks]
            if unknown:
                raise ManifestError(f"service {name}: network {unknown[0]} is not in malleposte_networks")
            sources = [] if ANYWHERE in origins else sorted({cidr for origin in origins for cidr in networks[origin]})
            if sources or ANYWHERE in origins:
                rules.append({
                    "name": listen.get("name", name),
                    "port": listen["port"],
                    "proto": listen.get("proto", "tcp"),
                    "sources": sources,
                })
    return sorted(rules, key=lambda rule: (rule["port"], rule["proto"]))


def units(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> list[str]:
    """Every unit that must be active on a host of these groups."""
    return sorted({unit for service in services_of(services, groups).values() for unit in service.get("units", [])})


def srv_records(services: Mapping[str, Mapping[str, Any]], hostnames: Mapping[str, str]) -> list[dict[str, Any]]:
    """SRV records to publish: ``[{service, proto, port, target}]`` with the target's public name."""
    records = []
    for name, service in services.items():
        for entry in service.get("dns", []):
            target = entry["target"]
            if target != "." and target not in hostnames:
                raise ManifestError(f"service {name}: dns target {target} is not in malleposte_hostnames")
            records.append({
                "service": entry["service"],
                "proto": entry.get("proto", "tcp"),
                "port": entry["port"],
                "target": hostnames.get(target, "."),
            })
    return records


def public_addresses(
    hostnames: Mapping[str, str],
    places: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str | Sequence[str]],
    domain: str,
) -> dict[str, list[str]]:
    """Every name to publish and its addresses: the public names, then each host's own.

    ``places`` says which hosts answer for a key of ``hostnames``; ``addresses`` holds each host's public addresses.
    """
    def of(host: str) -> list[str]:
        found = addresses.get(host, [])
        return [found] if isinstance(found, str) else list(found)

    names = {name: [one for host in places.get(key, []) for one in of(host)] for key, name in hostnames.items()}
    names |= {f"{host}.{domain}": of(host) for host in addresses}
    return {name: found for name, found in names.items() if found}
