"""The lab's world: its signed zone, its authority, and that hosts follow when the authority's root changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testinfra.host import Host

from tests.stack.support.site import Site

STORE = "/etc/ssl/certs/ca-certificates.crt"


def test_the_zone_is_signed(world: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    answer = world.check_output(f"kdig +dnssec @{address} SOA test")
    assert "RRSIG\tSOA 13" in answer


def test_its_key_is_the_anchor_every_host_trusts(world: Host, mail1: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    tag = world.check_output(f"kdig +short +dnssec @{address} SOA test").splitlines()[-1].split()[6]
    assert f"test. IN DS {tag} 13 2 " in mail1.file("/etc/unbound/unbound.conf").content_string


def test_a_broken_delegation_is_served_unsigned(world: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    assert world.check_output(f"kdig +short @{address} A bogus.test")
    assert world.check_output(f"kdig +short @{address} DS bogus.test")
    assert "RRSIG" not in world.check_output(f"kdig +dnssec @{address} A bogus.test")


def test_hosts_follow_when_the_authority_changes_its_root(
    world: Host, host: Callable[[str], Host], wait_for: Callable[..., Any]
) -> None:
    """As after a reboot of everything: pebble makes another root at each start, and renewals must go on."""
    machine = host("vault1")
    before = machine.file(STORE).content_string
    world.check_output("systemctl restart pebble")
    wait_for(lambda: machine.file(STORE).content_string != before, timeout=90)
    after = machine.file(STORE).content_string
    assert before.strip() in after or after.count("BEGIN") > before.count("BEGIN"), "earlier roots stay trusted"
    chain, key = "/etc/ssl/malleposte/fullchain.pem", "/etc/ssl/malleposte/privkey.pem"
    machine.check_output(f"openssl req -x509 -new -key {key} -days 10 -subj /CN=placeholder -out {chain}.new")
    machine.check_output(f"mv {chain}.new {chain}")
    machine.check_output("systemctl start malleposte-tls-renew.service")
    machine.check_output(f"openssl verify -untrusted {chain} {chain}")
