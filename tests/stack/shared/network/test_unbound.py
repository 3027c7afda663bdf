"""The resolver of every host: it validates, and the host uses it."""

from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from testinfra.host import Host

from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")

ASK = """
import sys, dns.flags, dns.message, dns.query
asked = dns.message.make_query(*sys.argv[1:3], want_dnssec=True, flags=dns.flags.RD | dns.flags.AD)
print(dns.query.udp(asked, "127.0.0.1", 8).to_wire().hex())
"""


def ask(machine: Host, name: str, rtype: str) -> dns.message.Message:
    """Asks the resolver of a host, from the host."""
    answer = machine.check_output("python3 -c %s %s %s", ASK, name, rtype)
    return dns.message.from_wire(bytes.fromhex(answer))


def said(answer: dns.message.Message) -> tuple[str, bool]:
    """The response code, and whether the answer was validated."""
    return dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.AD)


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_asks_its_own(host: Callable[[str], Host], name: str) -> None:
    servers = [line for line in host(name).file("/etc/resolv.conf").content_string.splitlines() if "nameserver" in line]
    assert servers == ["nameserver 127.0.0.1", "nameserver ::1"]


@pytest.mark.parametrize("name", HOSTS)
def test_signed_names_are_validated(host: Callable[[str], Host], platform: dict[str, Any], name: str) -> None:
    answer = ask(host(name), platform["domain"], "MX")
    assert said(answer) == ("NOERROR", True)
    assert answer.answer


def test_the_absence_of_a_name_is_validated_too(mail1: Host) -> None:
    assert said(ask(mail1, "nexiste-pas.test", "A")) == ("NXDOMAIN", True)


def test_a_broken_signature_gives_no_answer(mail1: Host) -> None:
    answer = ask(mail1, "bogus.test", "A")
    assert said(answer) == ("SERVFAIL", False)
    assert not answer.answer


def test_strangers_cannot_use_it(site: Site, mail1: Host, world: Host, platform: dict[str, Any]) -> None:
    """The question that the host itself is answered, put to its address from outside."""
    kind = "MX"
    assert mail1.run("python3 -c %s %s %s", ASK, platform["domain"], kind).rc == 0
    elsewhere = ASK.replace("127.0.0.1", site.address("mail1"))
    own = ASK.replace("127.0.0.1", site.address("world"))
    assert world.run("python3 -c %s %s %s", own, platform["domain"], kind).rc == 0, "one that answers"
    refused = world.run("python3 -c %s %s %s", elsewhere, platform["domain"], kind)
    assert refused.rc != 0
    assert "dns.exception.Timeout" in refused.stderr or "refused" in refused.stderr


def test_a_refused_configuration_leaves_the_old_one(mail1: Host) -> None:
    """The role's check before it replaces the file: the daemon's own."""
    broken = mail1.run("printf 'server:\\n  interfface: 127.0.0.1\\n' > /tmp/u.conf; unbound-checkconf /tmp/u.conf; "
                       "rc=$?; rm /tmp/u.conf; exit $rc")  # fmt: skip
    assert broken.rc != 0
    assert mail1.run("unbound-checkconf").rc == 0
