# SPDX-License-Identifier: GPL-3.0-or-later
"""Open ports as nftables rules (nft(8)). Standard library only."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z0-9 ._-]{1,64}")
PROTOCOLS = ("tcp", "udp")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RuleError(ValueError):
    """A rule that cannot be right; the message names it."""


def networks(sources: Iterable[str], name: str) -> list[Network]:
    """Parses networks or single addresses. Raises RuleError on text that is neither."""
    found: list[Network] = []
    for source in sources:
        try:
            found.append(ipaddress.ip_network(str(source), strict=False))
        except ValueError as error:
            raise RuleError(f"firewall rule {name}: {error}") from error
    return found


def matches(sources: Iterable[str], name: str) -> list[str]:
    """The beginnings of the rules that match some sources: one for each family, or none for anyone."""
    parsed = networks(sources, name)
    if not parsed:
        return [""]
    starts = []
    for family, version in (("ip", 4), ("ip6", 6)):
        mine = sorted(str(net) for net in collapse(parsed, version))
        if mine:
            starts.append(f"{family} saddr {{ {', '.join(mine)} }} ")
    return starts


def collapse(parsed: Iterable[Network], version: int) -> list[Network]:
    """Networks of one family without overlaps, which a set refuses."""
    if version == 4:
        return list(ipaddress.collapse_addresses(net for net in parsed if isinstance(net, ipaddress.IPv4Network)))
    return list(ipaddress.collapse_addresses(net for net in parsed if isinstance(net, ipaddress.IPv6Network)))


def rule_lines(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each rule and family: ``{name, port, proto, sources}``; no sources means anyone."""
    lines = []
    for rule in rules:
        name, port, proto = str(rule.get("name", "")), rule.get("port"), str(rule.get("proto") or "tcp")
        if not NAME.fullmatch(name):
            raise RuleError(f"firewall rule {name!r}: a name is 1 to 64 letters, digits, spaces, dots, hyphens")
        if isinstance(port, bool) or not str(port).isdigit() or not 0 < int(str(port)) < 65536:
            raise RuleError(f"firewall rule {name}: port {port!r} is not between 1 and 65535")
        if proto not in PROTOCOLS:
            raise RuleError(f"firewall rule {name}: protocol {proto!r} is not one of {', '.join(PROTOCOLS)}")
        for start in matches(rule.get("sources") or [], name):
            lines.append(f'{start}{proto} dport {port} accept comment "{name}"')
    return lines


def admits(sources: Iterable[str], address: str) -> bool:
    """Whether an address is in one of the networks; true for text that is no address, which nothing can be said of."""
    try:
        wanted = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return True
    if isinstance(wanted, ipaddress.IPv6Address) and wanted.ipv4_mapped:
        wanted = wanted.ipv4_mapped
    return any(wanted in net for net in networks(sources, "ssh"))
