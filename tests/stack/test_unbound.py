"""The resolver of every host: it validates, and the host uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from malleposte.dnsrecords import wire
from testinfra.host import Host

from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")

ASK = """
import socket, struct, sys
name, rtype = sys.argv[1], int(sys.argv[2])
q = struct.pack("!HHHHHH", 7, 0x0120, 1, 0, 0, 1)
q += b"".join(bytes([len(l)]) + l.encode() for l in name.rstrip(".").split(".")) + b"\\0" + struct.pack("!HH", rtype, 1)
q += b"\\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(8); s.sendto(q, ("127.0.0.1", 53))
print(s.recv(65535).hex())
"""


def ask(machine: Host, name: str, rtype: str) -> wire.Verdict:
    """Asks the resolver of a host, from the host."""
    answer = machine.check_output("python3 -c %s %s %s", ASK, name, str(wire.TYPES[rtype]))
    return wire.parse_verdict(bytes.fromhex(answer), 7)


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_asks_its_own(host: Callable[[str], Host], name: str) -> None:
    servers = [line for line in host(name).file("/etc/resolv.conf").content_string.splitlines() if "nameserver" in line]
    assert servers == ["nameserver 127.0.0.1", "nameserver ::1"]


@pytest.mark.parametrize("name", HOSTS)
def test_signed_names_are_validated(host: Callable[[str], Host], platform: dict[str, Any], name: str) -> None:
    verdict = ask(host(name), platform["domain"], "MX")
    assert (verdict.rcode, verdict.secure) == ("NOERROR", True)
    assert verdict.answers > 0


def test_the_absence_of_a_name_is_validated_too(mail1: Host) -> None:
    verdict = ask(mail1, "nexiste-pas.test", "A")
    assert (verdict.rcode, verdict.secure) == ("NXDOMAIN", True)


def test_a_broken_signature_gives_no_answer(mail1: Host) -> None:
    assert ask(mail1, "bogus.test", "A") == wire.Verdict("SERVFAIL", False, 0)


def test_strangers_cannot_use_it(site: Site, world: Host) -> None:
    code = (
        "import socket\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(2)\n"
        f"s.sendto(bytes(12),('{site.variables('mail1')['ansible_host']}',53)); s.recv(512)"
    )
    assert world.run("python3 -c %s", code).rc != 0


def test_a_refused_configuration_leaves_the_old_one(mail1: Host) -> None:
    """What the role asks before it replaces the file: the daemon's own check."""
    broken = mail1.run("printf 'server:\\n  interfface: 127.0.0.1\\n' > /tmp/u.conf; unbound-checkconf /tmp/u.conf; "
                       "rc=$?; rm /tmp/u.conf; exit $rc")  # fmt: skip
    assert broken.rc != 0
    assert mail1.run("unbound-checkconf").rc == 0
