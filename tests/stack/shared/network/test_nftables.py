"""The firewall, from outside and from within."""

import json
import socket
from collections.abc import Callable

from testinfra.host import Host

from tests.stack.support.reach import reaches
from tests.stack.support.site import Site


def test_a_stranger_reaches_smtp_but_not_ssh(site: Site, world: Host) -> None:
    address = site.address("mail1")
    assert reaches(world, address, 25)
    assert not reaches(world, address, 22)
    assert not reaches(world, address, 636)


def test_the_controller_still_enters(site: Site) -> None:
    with socket.create_connection((site.address("mail1"), 22), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"


def test_a_vault_opens_ssh_and_the_ports_of_the_watch_alone(host: Callable[[str], Host]) -> None:
    rules = json.loads(host("vault1").check_output("nft -j list chain inet malleposte input"))["nftables"]
    ports = {
        expression["match"]["right"]
        for item in rules
        for expression in item.get("rule", {}).get("expr", [])
        if expression.get("match", {}).get("left", {}).get("payload", {}).get("field") == "dport"
    }
    assert {22, 9443, 7450} <= ports <= {22, 80, 9443, 7450}


def test_a_rule_that_nft_refuses_would_not_be_loaded(mail1: Host) -> None:
    """The role's check before it replaces the file."""
    broken = mail1.run("printf 'table inet x { chain y { tcp dport 99999 accept; } }' | nft -c -f -")
    assert broken.rc != 0
    assert mail1.run("nft -c -f /etc/nftables.conf").rc == 0
