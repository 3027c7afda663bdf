"""Two services on one port of a host: the manifest's entries, and the ports that the inventory sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.check.specs import SERVICES
from malleposte.check.values import Path
from malleposte.fleet.site import PLATFORM

MANIFEST = "malleposte_services"
SSH = "base_ssh_port"
NOT_LISTENING = ("nftables_ssh_port", "rspamd_ldap_port")
"""Ports of others, which a role only opens or asks."""


@dataclass(frozen=True)
class Claim:
    """One service that wants a port."""

    who: str
    variable: str
    path: Path = ()


def collisions(reader: Reader) -> Iterator[Finding]:
    """Each pair of services that want one port of one host, once."""
    seen = set()
    for host in reader.site.members(PLATFORM):
        taken: dict[tuple[int, str], Claim] = {}
        for key, claim in _claims(reader, host):
            other = taken.setdefault(key, claim)
            if other is claim or other.who == claim.who:
                continue
            if (key, other, claim) not in seen:
                seen.add((key, other, claim))
                yield _finding(reader, host, key, other, claim)


def _finding(reader: Reader, host: str, key: tuple[int, str], one: Claim, other: Claim) -> Finding:
    """Shown where the inventory says it, since that is what an operator can change."""
    first, second = (other, one) if reader.settled(host, one.variable) is None else (one, other)
    message = f"port {key[0]}/{key[1]} of {host} is wanted by {first.who} and by {second.who}"
    if reader.settled(host, first.variable) is None:
        return Finding(Level.WRONG, message, SERVICES, 0, f"{MANIFEST}.{first.who}")
    return reader.wrong(host, first.variable, first.path, message)


def _claims(reader: Reader, host: str) -> Iterator[tuple[tuple[int, str], Claim]]:
    groups = reader.site.groups_of(host)
    services = reader.value(host, MANIFEST)
    for name, entry in services.items() if isinstance(services, Mapping) else ():
        if isinstance(entry, Mapping) and set(groups) & set(_groups(entry)):
            for number, listen in enumerate(entry.get("listen") or []):
                path: Path = (name, "listen", number, "port")
                yield (_number(listen.get("port")), str(listen.get("proto", "tcp"))), Claim(name, MANIFEST, path)
    for variable in _set_ports(reader, host):
        port = _number(reader.value(host, variable))
        owner = "sshd" if variable == SSH else str(reader.declared.owner(variable))
        if port:
            yield (port, "tcp"), Claim(owner, variable)
    if reader.settled(host, SSH) is None:
        yield (22, "tcp"), Claim("sshd", SSH)


def _groups(entry: Mapping[str, Any]) -> list[str]:
    """The groups whose hosts run a service: one, or a list."""
    group = entry.get("group") or []
    return [group] if isinstance(group, str) else list(group)


def _set_ports(reader: Reader, host: str) -> Iterator[str]:
    for name in dict.fromkeys(setting.name for setting in reader.sources.settings):
        is_port = name in reader.declared.specs and name.endswith("_port") and name not in NOT_LISTENING
        if is_port and reader.settled(host, name) is not None:
            yield name


def _number(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0
