# SPDX-License-Identifier: GPL-3.0-or-later
"""The service manifest, aggregated: what one host listens on, runs, and must keep in its backups.

An entry says what a service is, once (``playbooks/group_vars/all/services.yml``):

``group``    the inventory group whose hosts run it, or a list of groups
``present``  whether the platform, or this host, has it (true): of one that it has not, nothing below counts
``units``    its systemd units
``listen``   ports: ``{name, port, proto (tcp), from, tls, connections, school_connections}``; ``from`` holds ``any`` or
             names of ``malleposte_networks``; ``tls`` is set where the host's certificate is shown: ``direct``, or the
             protocol in which TLS is asked for; the counts are those of one address at the same time, of a school's
``dns``      SRV records to publish: ``{service, proto (tcp), port, target, path}`` (RFC 6186); ``path`` becomes a TXT
             record beside it (RFC 6764)
``hostname`` key of ``malleposte_hostnames``, or a list of them, under which it answers without a web site
``vhost``    its web site: see ``vhosts.py``
``tile``     its place on the portal: ``{title, text, host, path (/), order (100), picture (application)}``; title and
             text are ``{fr, en}``, host is a key of ``malleposte_hostnames``, picture in ``portal_assets.PICTOGRAMS``
``status``   how the portal looks whether it answers, where that is not by its tile: ``{title, host, kind (https), port
             (443), path (/)}``; kind is https, imaps or smtps
``backup``   ``{paths, dumps}``
``memory_mb``, ``upgrade``, ``jails``, ``database``, ``directory``, ``restore``, ``tls``: see ``service_needs.py``
``watch``    what is measured of it and what rings, or why nothing is: see ``watched.py``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import service_needs, vhosts, watched
from .nftrules import COUNTS
from .shapes import Check, ManifestError, among, check_shape, flag, languages, listed, number, path, text

__all__ = ["ManifestError"]

KNOWN_KEYS = frozenset(
    {
        *("group", "present", "units", "listen", "dns", "backup", "tile", "status", "vhost", "hostname"),
        *("memory_mb", "upgrade", "jails", "database", "directory", "restore", "tls", "watch"),
    }
)
ANYWHERE = "any"
DIRECT = "direct"
STARTTLS = ("imap", "postgres", "sieve", "smtp")
"""Protocols that ask for TLS, as openssl-s_client(1) calls them."""
TILE: Mapping[str, Check] = {
    "title": languages,
    "text": languages,
    "host": text,
    "path": path,
    "order": number,
    "picture": text,
}
STATUS: Mapping[str, Check] = {
    "title": languages,
    "host": text,
    "kind": among("https", "imaps", "smtps"),
    "port": number,
    "path": path,
}


def check_manifest(services: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses unknown keys, missing groups, two services of one group on the same port, and sites that cannot be."""
    taken: dict[tuple[str, int, str], str] = {}
    for name, service in services.items():
        unknown = sorted(set(service) - KNOWN_KEYS)
        if unknown:
            raise ManifestError(f"service {name}: unknown key {unknown[0]}; known: {', '.join(sorted(KNOWN_KEYS))}")
        if not service.get("group"):
            raise ManifestError(f"service {name}: group is missing")
        if not flag(service.get("present", True)):
            raise ManifestError(f"service {name}: present cannot be {service['present']!r}")
        for listen in service.get("listen", []):
            port = listen.get("port")
            if not isinstance(port, int) or not 0 < port < 65536:
                raise ManifestError(f"service {name}: port {port!r} is not between 1 and 65535")
            if listen.get("tls", DIRECT) not in (DIRECT, *STARTTLS):
                raise ManifestError(f"service {name}: port {port}: tls cannot be {listen['tls']!r}")
            for group in groups_of(service):
                key = (group, port, listen.get("proto", "tcp"))
                if key in taken:
                    raise ManifestError(f"service {name}: port {port}/{key[2]} is already taken by {taken[key]}")
                taken[key] = name
        if "tile" in service:
            check_shape(f"service {name}: tile", service["tile"], TILE, ["title", "text", "host"])
        if "status" in service:
            check_shape(f"service {name}: status", service["status"], STATUS, ["title", "host"])
    vhosts.check_vhosts(services)
    service_needs.check_needs(services)
    watched.check_watch(services)


def groups_of(service: Mapping[str, Any]) -> list[str]:
    """The groups whose hosts run a service; none for one that the platform has not."""
    return listed(service.get("group") or []) if service_needs.present(service) else []


def services_of(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The entries whose group is among a host's groups."""
    mine = set(groups)
    return {name: service for name, service in services.items() if mine.intersection(groups_of(service))}


def places(services: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The hosts that run each service, group by group."""
    return {
        name: [host for group in groups_of(service) for host in groups.get(group, [])]
        for name, service in services.items()
    }


def memory(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> int:
    """Memory that the services of a host of these groups take, in MB."""
    check_manifest(services)
    return service_needs.memory(services_of(services, groups))


def upgrades(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Any]:
    """Return the upgrade settings of a host of these groups: ``{rank, by_hand}``."""
    return service_needs.upgrades(services_of(services, groups))


def jails(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> list[str]:
    """Names of the jails of a host of these groups."""
    return service_needs.jails(services_of(services, groups))


def databases(
    services: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str | Sequence[str]],
    passwords: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The platform's databases, as the role postgresql takes them; ``passwords`` by database."""
    return service_needs.databases(services, places(services, groups), groups.get("database", []), addresses, passwords)


def sites(
    services: Mapping[str, Mapping[str, Any]], groups: Iterable[str], hostnames: Mapping[str, str], domain: str
) -> list[dict[str, Any]]:
    """The web sites of one host, as the role nginx takes them."""
    check_manifest(services)
    return vhosts.sites(services_of(services, groups), hostnames, domain)


def names(
    services: Mapping[str, Mapping[str, Any]], groups: Iterable[str], hostnames: Mapping[str, str], domain: str
) -> list[str]:
    """The public names that one host answers for: those that its certificate bears."""
    return [name for name, _service in vhosts.names(services_of(services, groups), hostnames, domain)]


def tiles(
    services: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]], hostnames: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The portal's tiles: ``[{service, title, text, url, picture}]``, by order; none for what no host runs."""
    check_manifest(services)
    found = []
    for name, service in services.items():
        tile = service.get("tile")
        if not tile or not any(groups.get(group) for group in groups_of(service)):
            continue
        if tile["host"] not in hostnames:
            raise ManifestError(f"service {name}: tile host {tile['host']} is not in malleposte_hostnames")
        url = f"https://{hostnames[tile['host']]}{tile.get('path', '/')}"
        shown = {"service": name, "title": tile["title"], "text": tile["text"], "url": url}
        shown["picture"] = tile.get("picture", "application")
        found.append((tile.get("order", 100), shown))
    return [shown for _order, shown in sorted(found, key=lambda one: one[0])]


def states(
    services: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]], hostnames: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Services whose state the portal tells: ``[{service, title, kind, host, port, path}]``; tiles first."""
    check_manifest(services)
    found = []
    for name, service in services.items():
        look = service.get("status") or service.get("tile")
        if not look or not any(groups.get(group) for group in groups_of(service)):
            continue
        if look["host"] not in hostnames:
            raise ManifestError(f"service {name}: status host {look['host']} is not in malleposte_hostnames")
        seen = {"service": name, "title": look["title"], "kind": look.get("kind", "https")}
        seen |= {"host": hostnames[look["host"]], "port": look.get("port", 443), "path": look.get("path", "/")}
        found.append(("status" in service, service.get("tile", {}).get("order", 100), seen))
    return [seen for _status, _order, seen in sorted(found, key=lambda one: one[:2])]


def firewall_rules(
    services: Mapping[str, Mapping[str, Any]],
    groups: Iterable[str],
    networks: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The ports of one host: ``[{name, port, proto, sources}]``, by port; no sources means anyone.

    The counts of connections are those of the manifest.
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
                rule = {
                    "name": listen.get("name", name),
                    "port": listen["port"],
                    "proto": listen.get("proto", "tcp"),
                    "sources": sources,
                }
                rules.append(rule | {key: listen[key] for key in COUNTS if key in listen})
    return sorted(rules, key=lambda rule: (rule["port"], rule["proto"]))


def units(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> list[str]:
    """Every unit that must be active on a host of these groups."""
    return sorted({unit for service in services_of(services, groups).values() for unit in service.get("units", [])})


def watch(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Any]:
    """Return what is watched on a host of these groups: ``{units, paths, measures}`` (see ``watched.py``)."""
    check_manifest(services)
    return watched.watched(services_of(services, groups))


def backup(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Any]:
    """Return the backup of a host of these groups: ``{paths, dumps, units}``.

    Paths and dumps are sorted, each once; ``units`` says for each path which units use it.
    """
    mine = list(services_of(services, groups).values())
    found: dict[str, Any] = {
        key: sorted({one for service in mine for one in service.get("backup", {}).get(key, [])})
        for key in ("paths", "dumps")
    }
    users = {path: [service for service in mine if path in service.get("backup", {}).get("paths", [])]
             for path in found["paths"]}  # fmt: skip
    found["units"] = {
        path: sorted({unit for service in held for unit in service.get("units", [])}) for path, held in users.items()
    }
    return found


def restore(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, Any]:
    """The units and queries of a restore on a host of these groups: ``{stop, restart, users}``.

    ``restart`` names by database the units of this host that cache its content; ``users`` holds the query that counts
    the agents in each database of the platform, wherever its service runs.
    """
    check_manifest(services)
    mine = services_of(services, groups)

    def of_databases(found: Mapping[str, Mapping[str, Any]], word: str) -> dict[str, Any]:
        return {name: one["database"][word] for name, one in found.items() if word in one.get("database", {})}

    return {
        "stop": service_needs.told(mine, "restore.stop"),
        "restart": of_databases(mine, "restart"),
        "users": of_databases(service_needs.had(services), "users"),
    }


def tls_units(services: Mapping[str, Mapping[str, Any]], groups: Iterable[str]) -> dict[str, list[str]]:
    """Units of a host of these groups that are told of a new certificate: ``{reload, restart}``."""
    check_manifest(services)
    mine = services_of(services, groups)
    return {word: service_needs.told(mine, f"tls.{word}") for word in ("reload", "restart")}


def tls_ports(
    services: Mapping[str, Mapping[str, Any]], groups: Iterable[str], rules: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Ports at which a host of these groups shows its certificate: ``[{port, tls, unit}]``, by port.

    Only those that its firewall opens (``rules``): the others have nobody to answer.
    """
    opened = {rule["port"] for rule in rules}
    found = []
    for service in services_of(services, groups).values():
        told = service.get("tls", {})
        unit = next(iter((*told.get("reload", []), *told.get("restart", []), *service.get("units", []))), "")
        found += [
            {"port": listen["port"], "tls": listen["tls"], "unit": unit}
            for listen in service.get("listen", [])
            if "tls" in listen and listen["port"] in opened
        ]
    return sorted(found, key=lambda one: one["port"])


def srv_records(services: Mapping[str, Mapping[str, Any]], hostnames: Mapping[str, str]) -> list[dict[str, Any]]:
    """SRV records to publish: ``[{service, proto, port, target, path}]`` with the target's public name."""
    records = []
    for name, service in service_needs.had(services).items():
        for entry in service.get("dns", []):
            target = entry["target"]
            if target != "." and target not in hostnames:
                raise ManifestError(f"service {name}: dns target {target} is not in malleposte_hostnames")
            records.append(
                {
                    "service": entry["service"],
                    "proto": entry.get("proto", "tcp"),
                    "port": entry["port"],
                    "target": hostnames.get(target, "."),
                    **({"path": entry["path"]} if "path" in entry else {}),
                }
            )
    return records


def public_addresses(
    services: Mapping[str, Mapping[str, Any]],
    hostnames: Mapping[str, str],
    groups: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str | Sequence[str]],
    domain: str,
) -> dict[str, list[str]]:
    """Every name to publish and its addresses: the public names, then each host's own.

    ``addresses`` holds each host's public addresses.
    """
    hosts = places(services, groups)
    found = {
        name: [one for host in hosts[service] for one in listed(addresses.get(host, []))]
        for name, service in vhosts.names(services, hostnames, domain)
    }
    found |= {f"{host}.{domain}": listed(own) for host, own in addresses.items()}
    return {name: held for name, held in found.items() if held}
