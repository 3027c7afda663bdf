"""The yardstick: one more lab host with Debian's own postfix and dovecot, as installed, and local accounts."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from malleposte.dev.lab import Lab
from malleposte.dev.lab.inventory import HostSpec, Inventory

from tests.bench.clients import Target
from tests.stack.support.site import Site

NAME = "stock"
PACKAGES = "postfix dovecot-imapd ssl-cert libsasl2-modules"
RANK = 60
"""The host's place in the lab's network."""


def widened(site: Site) -> Lab:
    """The lab with one host more."""
    known = site.lab.inventory
    spec = HostSpec(NAME, site.lab.settings.network[RANK], f"{NAME}.test")
    wider = Inventory(known.path, known.prefix, known.network, (*known.hosts, spec), known.document)
    return Lab(site.lab.settings, wider)


@contextmanager
def host(site: Site, users: int, more: str = "") -> Iterator[tuple[Lab, Target, Sequence[str]]]:
    """The host, with more packages: the lab to enter it by, its users for log-ins, their addresses. Gone afterwards."""
    lab = widened(site)
    lab.up([NAME])
    try:
        names = [f"local{number}" for number in range(users)]
        logins = [(name, secrets.token_urlsafe(12)) for name in names]
        lab.ssh(NAME, ["sh", "-c", setup(logins, site.address("world"), more)], timeout=600)
        address = str(lab.hosts([NAME])[0].spec.address)  # type: ignore[union-attr]
        yield lab, Target(address, "", logins), [f"{name}@{NAME}.test" for name in names]
    finally:
        lab.hosts([NAME])[0].destroy()


def setup(logins: Sequence[tuple[str, str]], resolver: str, more: str = "") -> str:
    """Install, make the users; the only settings given are what the packages ask at installation.

    Then names come from the lab's world, as they do for mail1: else the network's own resolver would be measured.
    """
    pairs = "\\n".join(f"{name}:{password}" for name, password in logins)
    return "; ".join(
        [
            "set -e",
            "export DEBIAN_FRONTEND=noninteractive",
            "echo postfix postfix/main_mailer_type select Internet Site | debconf-set-selections",
            f"echo postfix postfix/mailname string {NAME}.test | debconf-set-selections",
            "apt-get update -qq",
            f"apt-get install -qq --no-install-recommends {PACKAGES} {more} >/dev/null",
            f"postconf -e mydestination={NAME}.test,localhost smtpd_client_message_rate_limit=0",
            *(f"useradd -m {name}" for name, _ in logins),
            f"printf '{pairs}\\n' | chpasswd",
            f"echo nameserver {resolver} > /etc/resolv.conf",
            "systemctl restart postfix dovecot",
        ]
    )
