# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels: the two ends of each agree, and a host has nothing of what is not its own."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.filter.stunnel import tunnel_ports, tunnel_secrets, tunnels

ROW = {
    "name": "auth", "port": 7445, "callers": ["web1.ac-exemple.test", "web2"], "to": "/run/auth", "groups": ["dovecot"],
    "listen": "/run/tunnel.sock", "listen_group": "router",
}  # fmt: skip
ADDRESSES = {"mail1": "192.0.2.1", "web1.ac-exemple.test": "192.0.2.2", "web2": "2001:db8::2", "pia1": "192.0.2.3"}
SECRETS = {"tunnel-auth-web1": "un", "tunnel-auth-web2": "deux"}


def of(host: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return tunnels(rows or [ROW], "mail1", host, ADDRESSES, SECRETS)


def test_the_called_host_knows_each_caller_by_a_key_and_a_caller_its_own_alone() -> None:
    assert tunnel_secrets([ROW]) == list(SECRETS)
    (called,) = of("mail1")
    assert (called["listen"], called["connect"], called["groups"]) == ("192.0.2.1:7445", "/run/auth", ["dovecot"])
    assert "identity" not in called
    assert called["reach"] == ["192.0.2.2", "2001:db8::2"]
    for host, name in (("web1.ac-exemple.test", "web1"), ("web2", "web2")):
        (caller,) = of(host)
        assert (caller["listen"], caller["connect"], caller["identity"]) == ("/run/tunnel.sock", "192.0.2.1:7445", name)
        assert caller["keys"] == {name: called["keys"][name]}
        assert (caller["listen_group"], caller["reach"]) == ("router", ["192.0.2.1"])
    assert len(set(called["keys"].values())) == 2
    assert of("pia1") == []


def test_without_callers_there_is_no_tunnel_and_no_port() -> None:
    alone = ROW | {"callers": []}
    assert of("mail1", alone) == []
    assert tunnel_secrets([alone]) == []
    assert tunnel_ports([alone], "mail1", "mail1", ADDRESSES) == []


def test_the_port_opens_on_the_called_host_for_the_callers() -> None:
    (rule,) = tunnel_ports([ROW], "mail1", "mail1", ADDRESSES)
    assert rule == {"name": "tunnel auth", "port": 7445, "proto": "tcp", "sources": ["192.0.2.2", "2001:db8::2"]}
    assert tunnel_ports([ROW], "mail1", "web2", ADDRESSES) == []


@pytest.mark.parametrize(("address", "shown"), [("192.0.2.1", "192.0.2.1:7445"), ("2001:db8::1", "[2001:db8::1]:7445")])
def test_an_address_of_ipv6_is_bracketed(address: str, shown: str) -> None:
    (caller,) = tunnels([ROW], "mail1", "web2", ADDRESSES | {"mail1": address}, SECRETS)
    assert caller["connect"] == shown
