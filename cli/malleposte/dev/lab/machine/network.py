"""The lab's network: a bridge, an nftables table of its own; both bear the lab's prefix."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network

from malleposte.dev.lab.errors import LabError
from malleposte.dev.lab.runner import Runner
from malleposte.dev.lab.settings import Settings

# Docker drops what is forwarded and not its own; this chain is its place for the rules of others.
_DOCKER = ("ip", "filter", "DOCKER-USER")


def ruleset(settings: Settings) -> str:
    """Return the nftables table: hosts reach the outside for packages, and never a mail server out there.

    A test that addresses a real domain by mistake must not send it mail; and labs do not see each other.
    """
    table, net, bridge = settings.table, settings.network, settings.bridge
    return f"""\
table ip {table}
delete table ip {table}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {net} oifname != "{bridge}" masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{bridge}" oifname != "{bridge}" tcp dport {{ 25, 465, 587 }} reject with tcp reset
        iifname "{bridge}" oifname != "{bridge}" ip daddr 10.213.0.0/16 reject
    }}
}}
"""


def links(run: Runner) -> dict[str, list[str]]:
    """Return the IPv4 addresses (with prefix length) of every interface of the controller."""
    by_name: dict[str, list[str]] = {}
    for link in json.loads(run(["ip", "-json", "-4", "address", "show"]).out or "[]"):
        if "ifname" in link:
            by_name[link["ifname"]] = [
                f"{a['local']}/{a['prefixlen']}" for a in link.get("addr_info", ()) if "local" in a
            ]
    return by_name


def up(settings: Settings, run: Runner) -> bool:
    """Make bridge and table as they should be; return whether the bridge was new.

    Raises LabError if another interface already uses the network.
    """
    present = links(run)
    for name, addresses in present.items():
        for address in addresses:
            if name != settings.bridge and IPv4Network(address, strict=False).overlaps(settings.network):
                raise LabError(f"{settings.network} is in use by {name}: choose another with MALLEPOSTE_LAB_NETWORK")
    exists = run(["ip", "link", "show", "dev", settings.bridge], check=False).code == 0
    if not exists:
        run(["ip", "link", "add", "name", settings.bridge, "type", "bridge"])
    bridge_address = f"{settings.gateway}/{settings.network.prefixlen}"
    if bridge_address not in present.get(settings.bridge, []):
        run(["ip", "address", "flush", "dev", settings.bridge])
        run(["ip", "address", "add", bridge_address, "dev", settings.bridge])
    run(["ip", "link", "set", "dev", settings.bridge, "up"])
    run(["nft", "-f", "-"], stdin=ruleset(settings))
    if run(["nft", "list", "chain", *_DOCKER], check=False).code == 0 and not _docker_rules(settings, run):
        for side in ("iifname", "oifname"):
            comment = f'"{settings.table}"'
            rule = ["insert", "rule", *_DOCKER, side, settings.bridge, "accept", "comment", comment]
            run(["nft", *rule])
    return not exists


def _docker_rules(settings: Settings, run: Runner) -> list[str]:
    """Return the handles of this lab's rules in Docker's chain; none either where there is no Docker."""
    listing = run(["nft", "--handle", "list", "chain", *_DOCKER], check=False)
    handles = re.findall(rf'comment "{settings.table}" # handle (\d+)', listing.out)
    return [str(handle) for handle in handles] if listing.code == 0 else []


def down(settings: Settings, run: Runner) -> None:
    """Remove bridge, table and rules; nothing if they are gone already."""
    for handle in _docker_rules(settings, run):
        run(["nft", "delete", "rule", *_DOCKER, "handle", handle])
    if run(["nft", "list", "table", "ip", settings.table], check=False).code == 0:
        run(["nft", "delete", "table", "ip", settings.table])
    if run(["ip", "link", "show", "dev", settings.bridge], check=False).code == 0:
        run(["ip", "link", "delete", "dev", settings.bridge])


def drop_stale_port(machine: str, run: Runner) -> None:
    """Delete the bridge port a killed host may have left for a moment: its name would be taken at boot."""
    name = f"vb-{machine}"[:15]
    if run(["ip", "link", "show", "dev", name], check=False).code == 0:
        run(["ip", "link", "delete", "dev", name], check=False)
