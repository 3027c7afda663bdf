"""The antivirus option: on with a signature of this test's own, and its refusals."""

from typing import Any

import pytest
from malleposte.probe import facts, ship
from malleposte.probe.model import Result, Status

from tests.stack.support.site import Site

pytestmark = pytest.mark.full

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


@pytest.fixture(scope="module", autouse=True)
def scanner(site: Site) -> None:
    """The scanner answers."""
    answering(site)


def answering(site: Site) -> None:
    """Wait until clamd takes a question: it reads its signatures first."""
    site.run("mail1", "python3 -", given=PING, timeout=200)


def walk(site: Site, *only: str) -> dict[str, Result]:
    found = facts.site(site.inventory)
    request = {"plan": found.plan | {"antivirus": True}, "only": list(only)}
    return {result.name: result for result in ship.run(found.ssh, request)}


def test_a_virus_is_refused_and_other_mail_is_not(site: Site) -> None:
    results = walk(site, "virus", "foreign-to-agent")
    assert results["virus"].status is Status.OK, results["virus"].detail
    assert "554" in results["virus"].detail
    assert results["foreign-to-agent"].status is Status.OK, results["foreign-to-agent"].detail


def test_while_the_scanner_is_stopped_mail_is_put_off(site: Site, mail: Any) -> None:
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


def test_it_is_walled_in_and_its_memory_bounded(site: Site) -> None:
    shown = site.run("mail1", "systemctl show clamav-daemon -p MemoryMax,NoNewPrivileges,ProtectSystem").splitlines()
    assert {"MemoryMax=3221225472", "NoNewPrivileges=yes"} <= set(shown)
