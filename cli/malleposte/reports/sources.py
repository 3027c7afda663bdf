"""The owner of a source of mail: us, a known relay, or unknown. Nobody is asked: a stranger names the addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OURS, RELAY, UNKNOWN = "ours", "relay", "unknown"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class NamedSources:
    """Networks by name: of the platform's own hosts, and of the relays that the academy knows."""

    ours: tuple[tuple[str, Network], ...] = ()
    relays: tuple[tuple[str, Network], ...] = ()

    @classmethod
    def of(cls, ours: Mapping[str, Iterable[str]], relays: Mapping[str, Iterable[str]]) -> NamedSources:
        """From addresses and networks as texts. Raises ValueError."""
        return cls(_networks(ours), _networks(relays))

    def of_source(self, address: str) -> tuple[str, str]:
        """Return what an address is, and the name that it has; no name for an unknown one."""
        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return UNKNOWN, ""
        for kind, rows in ((OURS, self.ours), (RELAY, self.relays)):
            for name, network in rows:
                if source in network:
                    return kind, name
        return UNKNOWN, ""


def _networks(names: Mapping[str, Iterable[str]]) -> tuple[tuple[str, Network], ...]:
    return tuple((name, ipaddress.ip_network(one, strict=False)) for name, each in names.items() for one in each)


def network_of(client: str) -> str:
    """Return the network that a budget is counted by (/24, or /48 for IPv6); empty for mail of this host."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))
