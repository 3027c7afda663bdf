# SPDX-License-Identifier: GPL-3.0-or-later
"""Open ports as nftables rules (nft(8)). Standard library only."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z0-9 ._-]{1,64}")
PROTOCOLS = ("tcp", "udp")
COUNTS = ("connections", "school_connections")
MOST = 1_000_000
KEYS: Mapping[str, str] = {"ip": "ip saddr", "ip6": "ip6 saddr and ffff:ffff:ffff:ffff::"}
"""The unit that is counted, by family (nft(8)): an address of IPv4, a /64 of IPv6, which one subscriber has."""
ADDRESSES = 65_535
"""Addresses with connections at one port at the same time, at most: the size of a set."""

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


def number(rule: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """A whole number of a rule. Raises RuleError when it is none, or is out of its bounds."""
    value = rule.get(key)
    if isinstance(value, bool) or not str(value).isdigit() or not low <= int(str(value)) <= high:
        raise RuleError(f"firewall rule {rule.get('name')}: {key} {value!r} is not between {low} and {high}")
    return int(str(value))


def checked(rule: Mapping[str, Any]) -> tuple[str, int, str]:
    """Name, port and protocol of a rule. Raises RuleError when one of its keys cannot be right."""
    name, proto = str(rule.get("name", "")), str(rule.get("proto") or "tcp")
    if not NAME.fullmatch(name):
        raise RuleError(f"firewall rule {name!r}: a name is 1 to 64 letters, digits, spaces, dots, hyphens")
    port = number(rule, "port", 1, 65535)
    if proto not in PROTOCOLS:
        raise RuleError(f"firewall rule {name}: protocol {proto!r} is not one of {', '.join(PROTOCOLS)}")
    for key in COUNTS:
        if rule.get(key) is not None:
            number(rule, key, 1, MOST)
            if proto != "tcp" or rule.get("sources"):
                raise RuleError(f"firewall rule {name}: {key} is for a TCP port that anyone reaches")
    if rule.get("school_connections") is not None and rule.get("connections") is None:
        raise RuleError(f"firewall rule {name}: school_connections needs connections")
    return name, port, proto


def rule_lines(
    rules: Iterable[Mapping[str, Any]], schools: Iterable[str] = (), uncounted: Iterable[str] = ()
) -> list[str]:
    """One line for each rule and family: ``{name, port, proto, sources, connections, school_connections}``.

    No sources means anyone. ``connections`` are those that one address of IPv4, or one /64 of IPv6, may hold at the
    port at the same time; a further one is reset. An address in ``schools`` may hold ``school_connections``, one in
    ``uncounted`` any number.
    """
    lines = []
    schools, uncounted = list(schools), list(uncounted)
    for rule in rules:
        name, port, proto = checked(rule)
        accept = f'{proto} dport {port} accept comment "{name}"'
        if rule.get("connections") is not None:
            if uncounted:
                lines += [f"{start}{accept}" for start in matches(uncounted, name)]
            if schools and rule.get("school_connections") is not None:
                for start in matches(schools, name):
                    family = start.partition(" ")[0]
                    lines += [_over(start, port, family, "school", rule["school_connections"]), f"{start}{accept}"]
            lines += [_over("", port, family, "any", rule["connections"]) for family in KEYS]
        lines += [f"{start}{accept}" for start in matches(rule.get("sources") or [], name)]
    return lines


def _over(start: str, port: int, family: str, whose: str, most: int) -> str:
    counted = f"add @{_set(port, family, whose)} {{ {KEYS[family]} ct count over {most} }}"
    return f"{start}tcp dport {port} {counted} reject with tcp reset"


def _set(port: int, family: str, whose: str) -> str:
    return f"held_{port}_{family}_{whose}"


def set_lines(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sets in which ``rule_lines`` counts.

    An element goes with its last connection; while a set is full nobody else is counted.
    """
    lines = []
    for rule in rules:
        port = checked(rule)[1]
        if rule.get("connections") is None:
            continue
        for whose in ("any", *(("school",) if rule.get("school_connections") is not None else ())):
            for family, kind in (("ip", "ipv4_addr"), ("ip6", "ipv6_addr")):
                lines.append(f"set {_set(port, family, whose)} {{ type {kind}; flags dynamic; size {ADDRESSES}; }}")
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
