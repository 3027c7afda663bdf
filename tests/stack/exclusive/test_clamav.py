"""The antivirus option: turned on with a signature of this test's own, its refusals, and turned off again."""

from collections.abc import Iterator

import pytest
from malleposte.probe import facts, ship
from malleposte.probe.model import Status

from tests.stack.support.deployed import with_facts

SIGNATURE = "/var/lib/clamav/essai.hdb"
# MD5 and size of the file that every antivirus knows (eicar.org), as clamd's own format has it.
EICAR_LINE = "44d88612fea8a8f36de82e1278abb02f:68:Essai.Eicar"

PING = """
import socket, time
for _ in range(150):
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect("/run/clamav/clamd.ctl")
            link.send(b"zPING\\0")
            if link.recv(4) == b"PONG":
                break
    except OSError:
        time.sleep(1)
else:
    raise SystemExit("clamd does not answer")
"""


@pytest.fixture(scope="class")
def scanner(site) -> Iterator[None]:
    """The option on, for the tests of a class; off afterwards."""
    site.run("mail1", f"mkdir -p /var/lib/clamav && cat >{SIGNATURE} && chmod 644 {SIGNATURE}", given=EICAR_LINE + "\n")
    try:
        with with_facts(site, "mail1", "clamav,rspamd", malleposte_antivirus=True, clamav_update=False):
            answering(site)
            yield
    finally:
        site.run("mail1", f"rm -f {SIGNATURE}")


def answering(site) -> None:
    """Wait until clamd takes a question: it reads its signatures first."""
    site.run("mail1", "python3 -", given=PING, timeout=200)


def walk(site, *only: str):
    found = facts.site(site.inventory)
    request = {"plan": found.plan | {"antivirus": True}, "only": list(only)}
    return {result.name: result for result in ship.run(found.ssh, request)}


class TestTurnedOn:
    """The effect of the option while it is on."""

    def test_a_virus_is_refused_and_other_mail_is_not(self, site, scanner):
        results = walk(site, "virus", "foreign-to-agent")
        assert results["virus"].status is Status.OK, results["virus"].detail
        assert "554" in results["virus"].detail
        assert results["foreign-to-agent"].status is Status.OK, results["foreign-to-agent"].detail

    def test_while_the_scanner_is_stopped_mail_is_put_off(self, site, mail, scanner):
        account = site.accounts["probe1"]
        message = f"From: {account.mail}\r\nTo: {account.mail}\r\nSubject: essai\r\n\r\nBonjour à tous.\r\n".encode()
        site.run("mail1", "systemctl stop clamav-daemon.socket clamav-daemon.service")
        try:
            answer = mail.submit("probe1", account.mail, account.mail, message)
            assert not answer.accepted
            assert 400 <= answer.code < 500, answer
        finally:
            site.run("mail1", "systemctl start clamav-daemon.service")
            answering(site)

    def test_it_is_walled_in_and_its_memory_bounded(self, site, scanner):
        shown = site.run(
            "mail1", "systemctl show clamav-daemon -p MemoryMax,NoNewPrivileges,ProtectSystem"
        ).splitlines()
        assert {"MemoryMax=3221225472", "NoNewPrivileges=yes"} <= set(shown)


def test_turned_off_again_it_stops(site):
    assert site.run("mail1", "systemctl is-active clamav-daemon.service", check=False).strip() != "active"
    assert walk(site, "foreign-to-agent")["foreign-to-agent"].status is Status.OK
