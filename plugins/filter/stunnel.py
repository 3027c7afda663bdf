# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels between hosts: from one row a service to the ends on each host, their keys and their ports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

Row = Mapping[str, Any]
"""``{name, port, callers, to, groups, listen, listen_group}``: hosts that call, and both ends (see the wiring)."""


def _secret(row: Row, caller: str) -> str:
    return f"tunnel-{row['name']}-{caller.partition('.')[0]}"


def tunnel_secrets(rows: Iterable[Row]) -> list[str]:
    """Names of the secrets of ``rows``, one for each caller of each."""
    return [_secret(row, caller) for row in rows for caller in row["callers"]]


def tunnel_ports(rows: Iterable[Row], called: str, here: str, addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    """The firewall's rules of the host ``here``: the called one opens each port to those that call it."""
    return [
        {
            "name": f"tunnel {row['name']}",
            "port": row["port"],
            "proto": "tcp",
            "sources": [addresses[caller] for caller in row["callers"]],
        }
        for row in rows
        if row["callers"] and here == called
    ]


def tunnels(
    rows: Iterable[Row], called: str, here: str, addresses: Mapping[str, str], secrets: Mapping[str, str]
) -> list[dict[str, Any]]:
    """``stunnel_tunnels`` of the host ``here``; keys are digests of ``secrets``, by the names of tunnel_secrets."""

    def keys(row: Row, callers: Sequence[str]) -> dict[str, str]:
        return {
            caller.partition(".")[0]: hashlib.sha256(secrets[_secret(row, caller)].encode()).hexdigest()
            for caller in callers
        }

    found = []
    for row in rows:
        there = _joined(addresses[called], row["port"])
        if here == called and row["callers"]:
            reach = [addresses[caller] for caller in row["callers"]]
            ends = {"listen": there, "connect": row["to"], "reach": reach, "keys": keys(row, row["callers"])}
            found.append({"name": row["name"], **ends, **({"groups": row["groups"]} if row["groups"] else {})})
        elif here in row["callers"]:
            ends = {"listen": row["listen"], "connect": there, "reach": [addresses[called]], "keys": keys(row, [here])}
            group = {"listen_group": row["listen_group"]} if row["listen_group"] else {}
            found.append({"name": row["name"], **ends, **group, "identity": here.partition(".")[0]})
    return found


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


FilterModule = filters(tunnels, tunnel_secrets, tunnel_ports)
