# SPDX-License-Identifier: GPL-3.0-or-later
"""Needs of the manifest's services: memory, upgrades, bans, databases, rights.

Of an entry's keys (see ``manifest.py``) these are read here:

``memory_mb``  memory that the service takes with room to work, in MB (docs/benchmarks.md)
``upgrade``    ``{packages, rank, by_hand}``: beginnings of package names that only ``malleposte upgrade`` touches; how
               much depends on the service (0 to 9, hosts of a low rank go first); whether new major versions wait for
               an operator
``jails``      names of the role fail2ban's jails that watch it
``database``   ``{system_user, restart, users}``: it has a database of its own name; units that cache its content or
               hold connections to it where the service runs; the query that counts the agents in it
``restore``    ``{stop}``: units that are stopped while a whole host is restored
``tls``        ``{reload, restart}``: units that are told of a new certificate, in either way
``directory``  its accounts in the directory: name -> ``{branches, read, unlimited}``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .shapes import Check, ManifestError, check_shape, flag, listed, matching, number, text

Services = Mapping[str, Mapping[str, Any]]
NAME = matching(r"[a-z][a-z0-9_-]*")


def _names(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(text(one) for one in value)


def _rank(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9


UPGRADE: Mapping[str, Check] = {"packages": _names, "rank": _rank, "by_hand": flag}
DATABASE: Mapping[str, Check] = {"system_user": NAME, "restart": _names, "users": text}
RESTORE: Mapping[str, Check] = {"stop": _names}
TLS: Mapping[str, Check] = {"reload": _names, "restart": _names}
ACCOUNT: Mapping[str, Check] = {"branches": _names, "read": _names, "unlimited": flag}


def check_needs(services: Services) -> None:
    """Refuses what is out of shape, and two services that give one account of the directory. Raises ManifestError."""
    owners: dict[str, str] = {}
    known = {unit for service in services.values() for unit in service.get("units", [])}
    for name, service in services.items():
        # A service that is off takes nothing.
        if "memory_mb" in service and service["memory_mb"] != 0 and not number(service["memory_mb"]):
            raise ManifestError(f"service {name}: memory_mb cannot be {service['memory_mb']!r}")
        if "jails" in service and not _names(service["jails"]):
            raise ManifestError(f"service {name}: jails cannot be {service['jails']!r}")
        if "upgrade" in service:
            check_shape(f"service {name}: upgrade", service["upgrade"], UPGRADE)
        if "database" in service:
            check_shape(f"service {name}: database", service["database"], DATABASE, ["system_user"])
        for key, shape in (("restore", RESTORE), ("tls", TLS)):
            if key in service:
                check_shape(f"service {name}: {key}", service[key], shape)
        strange = sorted({unit for unit, _where in told_units(service)} - known)
        if strange:
            raise ManifestError(f"service {name}: {strange[0]} is no unit of a service")
        for account, rights in service.get("directory", {}).items():
            check_shape(f"service {name}: directory.{account}", rights, ACCOUNT, ["branches", "read"])
            if owners.setdefault(account, name) != name:
                raise ManifestError(f"service {name}: directory account {account} is that of {owners[account]} already")


def told_units(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The units that an entry names beside ``units``, each with the key that names it."""
    keys = (("restore", "stop"), ("tls", "reload"), ("tls", "restart"), ("database", "restart"))
    return [(unit, f"{key}.{word}") for key, word in keys for unit in service.get(key, {}).get(word, [])]


def present(service: Mapping[str, Any]) -> bool:
    """Whether the platform has a service."""
    return bool(service.get("present", True))


def had(services: Services) -> dict[str, Mapping[str, Any]]:
    """The services that the platform has."""
    return {name: service for name, service in services.items() if present(service)}


def memory(services: Services) -> int:
    """Memory that these services take together, in MB."""
    return sum(service.get("memory_mb", 0) for service in services.values())


def packages(services: Services) -> list[str]:
    """Beginnings of the names of packages that unattended-upgrades leaves alone."""
    return sorted({one for service in had(services).values() for one in service.get("upgrade", {}).get("packages", [])})


def upgrades(services: Services) -> dict[str, Any]:
    """``{rank, by_hand}`` of a host: its place in the order of upgrades, beginnings of packages to take by hand."""
    mine = [service["upgrade"] for service in services.values() if "upgrade" in service]
    return {
        "rank": max((one.get("rank", 0) for one in mine), default=0),
        "by_hand": sorted({name for one in mine if one.get("by_hand") for name in one.get("packages", [])}),
    }


def told(services: Services, where: str) -> list[str]:
    """Units of these services that a key such as ``tls.reload`` names, each once, in the manifest's order."""
    found = (unit for service in services.values() for unit, key in told_units(service) if key == where)
    return list(dict.fromkeys(found))


def jails(services: Services) -> list[str]:
    """Names of the jails of these services, each once, in the manifest's order."""
    return list(dict.fromkeys(name for service in services.values() for name in service.get("jails", [])))


def directory_accounts(services: Services) -> dict[str, Mapping[str, Any]]:
    """Accounts of the directory and their rights, as the role openldap takes them."""
    return {
        account: rights
        for service in had(services).values()
        for account, rights in service.get("directory", {}).items()
    }


def databases(
    services: Services,
    places: Mapping[str, Iterable[str]],
    here: Iterable[str],
    addresses: Mapping[str, str | Sequence[str]],
    passwords: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Databases as the role postgresql takes them: ``[{name, system_user, clients, password}]``.

    ``places`` says which hosts run a service, ``here`` names the hosts of the databases: a client elsewhere comes over
    TLS from its ``addresses``, with a password; one that is here needs none.
    """
    local = set(here)
    found = []
    for name, service in had(services).items():
        if "database" not in service:
            continue
        away = sorted(set(places.get(name, [])) - local)
        clients = [address for host in away for address in listed(addresses.get(host, []))]
        found.append(
            {
                "name": name,
                "system_user": service["database"]["system_user"],
                "clients": clients,
                "password": passwords.get(name, "") if clients else "",
            }
        )
    return found
