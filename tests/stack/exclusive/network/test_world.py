"""Hosts follow when the lab's authority changes its root."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web

pytestmark = pytest.mark.full

CHAIN, KEY = "/etc/ssl/malleposte/fullchain.pem", "/etc/ssl/malleposte/privkey.pem"
STORE = "/etc/ssl/certs/ca-certificates.crt"
FOLLOWS = "malleposte-world-trust.service"


def roots(machine: Host) -> frozenset[str]:
    """The authorities that a host trusts. One may stand twice in the file, of two programs that wrote it at once."""
    certificates = machine.file(STORE).content_string.split("-----END CERTIFICATE-----")
    return frozenset(one.strip() for one in certificates if one.strip())


def test_hosts_follow_when_the_authority_changes_its_root(
    site: Site, tmp_path: Path, world: Host, host: Callable[[str], Host], person: Any, wait_for: Callable[..., Any]
) -> None:
    """As after a reboot of everything: pebble makes another root at each start, and renewals must go on."""
    before = {name: roots(host(name)) for name in ("vault1", "pia1")}
    # The tests' own clients know the root at once, also where a host does not follow.
    behind = host("mail1")
    behind.check_output(f"systemctl stop {FOLLOWS}")
    try:
        world.check_output("systemctl restart pebble")
        for name, earlier in before.items():
            renewed = host(name)
            wait_for(lambda there=renewed, known=earlier: roots(there) - known, timeout=90)
            assert earlier <= roots(renewed), "earlier roots stay trusted"
            renewed.check_output(f"openssl req -x509 -new -key {KEY} -days 10 -subj /CN=placeholder -out {CHAIN}.new")
            renewed.check_output(f"mv {CHAIN}.new {CHAIN}")
            renewed.check_output("systemctl start malleposte-tls-renew.service")
            renewed.check_output(f"openssl verify -untrusted {CHAIN} {CHAIN}")
        # The portal has run since before that root, and asks the provider, whose certificate it is now, over TLS.
        who, visitor = person(), SignedOn(site, Web(site.authorities(tmp_path)))
        page = visitor.log_in(who.uid, who.account.password)
        assert visitor.entered, page.all("body")
    finally:
        behind.check_output(f"systemctl start {FOLLOWS}")
