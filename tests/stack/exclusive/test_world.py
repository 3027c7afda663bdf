"""Hosts follow when the lab's authority changes its root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testinfra.host import Host

STORE = "/etc/ssl/certs/ca-certificates.crt"


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
