"""The firewall, from outside and from within."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.site import Site

REFUSED_PORT = 3310
"""A port that no service of the platform has."""


def reaches(machine: Host, address: str, port: int) -> bool:
    """Whether a connection from `machine` is answered, by acceptance or refusal: a closed port drops in silence."""
    code = (
        "import socket,sys\n"
        "s=socket.socket(); s.settimeout(2)\n"
        f"sys.exit(0 if s.connect_ex(({address!r},{port}))==0 else 1)"
    )
    return bool(machine.run(f'python3 -c "{code}"').rc == 0)


def address_of(site: Site, name: str) -> str:
    return str(site.variables(name)["ansible_host"])


@pytest.fixture
def listener(mail1: Host) -> Any:
    """Something that listens on a port the manifest does not open."""
    unit = "malleposte-test-listener"
    mail1.check_output(
        f"systemd-run --quiet --collect --unit={unit} python3 -m http.server {REFUSED_PORT} --bind 0.0.0.0"
    )
    yield REFUSED_PORT
    mail1.run(f"systemctl stop {unit}")


def test_a_stranger_reaches_smtp_but_not_ssh(site: Site, world: Host) -> None:
    address = address_of(site, "mail1")
    assert reaches(world, address, 25)
    assert not reaches(world, address, 22)
    assert not reaches(world, address, 636)


def test_what_listens_without_being_in_the_manifest_is_closed(
    site: Site, mail1: Host, world: Host, listener: int, wait_for: Callable[..., Any]
) -> None:
    wait_for(lambda: reaches(mail1, "127.0.0.1", listener))
    assert not reaches(world, address_of(site, "mail1"), listener)


def test_the_controller_still_enters(site: Site) -> None:
    with socket.create_connection((address_of(site, "mail1"), 22), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_bans_of_others_outlive_it(mail1: Host, verb: str) -> None:
    mail1.check_output("nft add table inet malleposte_test_bans")
    try:
        mail1.check_output(f"systemctl {verb} nftables")
        tables = mail1.check_output("nft list tables").splitlines()
        assert "table inet malleposte_test_bans" in tables
        assert "table inet malleposte" in tables
    finally:
        mail1.run("nft delete table inet malleposte_test_bans")


def test_the_host_without_services_opens_ssh_alone(host: Callable[[str], Host]) -> None:
    rules = json.loads(host("vault1").check_output("nft -j list chain inet malleposte input"))["nftables"]
    ports = {
        expression["match"]["right"]
        for item in rules
        for expression in item.get("rule", {}).get("expr", [])
        if expression.get("match", {}).get("left", {}).get("payload", {}).get("field") == "dport"
    }
    assert ports <= {22, 80}


def test_a_rule_that_nft_refuses_would_not_be_loaded(mail1: Host) -> None:
    """What the role asks before it replaces the file."""
    broken = mail1.run("printf 'table inet x { chain y { tcp dport 99999 accept; } }' | nft -c -f -")
    assert broken.rc != 0
    assert mail1.run("nft -c -f /etc/nftables.conf").rc == 0
