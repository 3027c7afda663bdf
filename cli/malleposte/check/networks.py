"""Networks of the facts: those of the administrators and those of the schools, which may not be the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from malleposte.check.findings import Finding
from malleposte.check.offline import Reader

WIDEST = {4: 8, 6: 16}
"""IP version -> shortest prefix of a network of administrators: 10.0.0.0/8 is the widest private one."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(reader: Reader, host: str) -> Iterator[Finding]:
    """Networks that open too much, that shut everybody out, or that mean two things."""
    admin = _listed(reader, host, "malleposte_networks", "admin")
    schools = _listed(reader, host, "malleposte_school_networks")
    yield from _admin(reader, host, admin)
    yield from _schools(reader, host, schools, [one for _number, one in _parsed(admin)])
    yield from _tools(reader, host, _listed(reader, host, "malleposte_linked_tools"))


def _listed(reader: Reader, host: str, name: str, key: str = "") -> Any:
    value = reader.value(host, name)
    return value.get(key) if key and isinstance(value, dict) else value


def _parsed(items: Any) -> Iterator[tuple[int, Network]]:
    """The place and the network of each item that is one; the others are reported with their line already."""
    for number, text in enumerate(items if isinstance(items, list) else []):
        try:
            yield number, ipaddress.ip_network(str(text))
        except ValueError:
            continue


def _admin(reader: Reader, host: str, networks: Any) -> Iterator[Finding]:
    name = "malleposte_networks"
    if networks == []:
        yield reader.wrong(host, name, ("admin",), "is empty: nobody could reach ssh any more")
    for number, network in _parsed(networks):
        if network.prefixlen < WIDEST[network.version]:
            whom = "half the world" if network.prefixlen else "everybody"
            yield reader.wrong(host, name, ("admin", number), f"{network} opens ssh and the directory to {whom}")


def _tools(reader: Reader, host: str, value: Any) -> Iterator[Finding]:
    name = "malleposte_linked_tools"
    tools = [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []
    names = [one.get("name") for one in tools]
    for number, tool in enumerate(tools):
        if names.index(tool.get("name")) < number:
            yield reader.wrong(host, name, (number, "name"), f"{tool.get('name')} stands twice")
        for place, network in _parsed(tool.get("networks")):
            fault = ""
            if network.prefixlen < WIDEST[network.version]:
                fault = f"{network} is too wide for the networks of a tool"
            elif network.is_loopback or network.is_link_local or network.is_multicast:
                fault = f"{network} is never called: it is of this host or of a link"
            if fault:
                yield reader.wrong(host, name, (number, "networks", place), fault)


def _schools(reader: Reader, host: str, networks: Any, admin: list[Network]) -> Iterator[Finding]:
    name = "malleposte_school_networks"
    earlier: list[Network] = []
    for number, network in _parsed(networks):
        fault = ""
        if not network.prefixlen:
            fault = f"{network} holds every address: nobody who guesses would be banned"
        elif other := next((one for one in admin if _overlap(network, one)), None):
            fault = (
                f"{network} and {other} of malleposte_networks.admin overlap: schools would reach ssh, or "
                "administrators be exempt from bans; give networks that have no address in common"
            )
        elif other := next((one for one in earlier if _overlap(network, one)), None):
            fault = f"{network} and {other} overlap: leave out the smaller one"
            if network == other:
                fault = f"{network} is given twice: leave one out"
        earlier.append(network)
        if fault:
            yield reader.wrong(host, name, (number,), fault)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)
