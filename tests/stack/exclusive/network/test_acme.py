"""Renewals of the TLS pair: the reload, a failure, and its report."""

import hashlib
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from malleposte.fleet import playbook
from malleposte.fleet.playbook import Options
from testinfra.host import Host

from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

CHAIN = "/etc/ssl/malleposte/fullchain.pem"
KEY = "/etc/ssl/malleposte/privkey.pem"
RENEW = "malleposte-tls-renew.service"
CHECK = "malleposte-tls-check.service"


def chain(machine: Host) -> str:
    return str(machine.file(CHAIN).content_string)


def digest_of_key(machine: Host) -> str:
    public = machine.check_output(f"openssl pkey -in {KEY} -pubout")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(public.replace("PUBLIC KEY", "CERTIFICATE"))).hexdigest()


@contextmanager
def kept(machine: Host, *paths: str) -> Iterator[None]:
    """Puts files back as they were."""
    for path in paths:
        machine.check_output(f"cp -a {path} {path}.test-kept")
    try:
        yield
    finally:
        for path in paths:
            machine.check_output(f"mv -f {path}.test-kept {path}")
        machine.check_output("systemctl daemon-reload")
        machine.run(f"systemctl reset-failed {RENEW} {CHECK}")


def make_placeholder(machine: Host) -> None:
    """The state before the first certificate: it makes a renewal due."""
    machine.check_output(
        f"openssl req -x509 -new -key {KEY} -days 10 -subj /CN=placeholder -out {CHAIN}.new && mv {CHAIN}.new {CHAIN}"
    )


def test_a_renewal_brings_another_certificate_for_the_same_key(host: Callable[[str], Host]) -> None:
    machine = host("vault1")
    before, digest = chain(machine), digest_of_key(machine)
    hook = "/etc/malleposte/tls-hooks.d/99-test.sh"
    machine.check_output(f"printf '#!/bin/sh\\ntouch /run/malleposte-test-hook\\n' > {hook} && chmod 755 {hook}")
    try:
        make_placeholder(machine)
        machine.check_output(f"systemctl start {RENEW}")
        assert machine.file("/run/malleposte-test-hook").exists
    finally:
        machine.check_output(f"rm -f {hook} /run/malleposte-test-hook")
    assert chain(machine) != before
    assert digest_of_key(machine) == digest
    # The lab's authority has another root after each of its starts; hosts learn it within seconds.
    wait_for(lambda: machine.run(f"openssl verify -untrusted {CHAIN} {CHAIN}").rc == 0, 120, "the new root is trusted")


def test_nothing_is_asked_when_nothing_is_due(host: Callable[[str], Host]) -> None:
    machine = host("vault1")
    before = chain(machine)
    machine.check_output(f"systemctl start {RENEW}")
    assert chain(machine) == before
    assert "the certificate is not due" in machine.check_output(f"journalctl -u {RENEW} -n 5 -o cat")


def test_a_failed_renewal_keeps_the_old_pair_and_is_seen(host: Callable[[str], Host]) -> None:
    machine = host("vault2")
    program = "/usr/local/lib/malleposte/tls-request"
    with kept(machine, CHAIN, program):
        make_placeholder(machine)
        standing = chain(machine)
        machine.check_output(f"sed -i 's#--server [^ ]*#--server https://127.0.0.1:1/dir#' {program}")
        assert machine.run(f"systemctl start {RENEW}").rc != 0
        assert machine.check_output(f"systemctl is-failed {RENEW}") == "failed"
        assert chain(machine) == standing


def test_a_certificate_for_another_key_is_not_installed(host: Callable[[str], Host]) -> None:
    machine = host("vault2")
    standing = chain(machine)
    machine.check_output(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj /CN=other "
        "-keyout /dev/null -out /var/lib/malleposte-acme/new.pem 2>/dev/null"
    )
    done = machine.run("/usr/local/lib/malleposte/tls-install")
    assert done.rc != 0
    assert "the certificate is not for the key" in done.stderr
    assert chain(machine) == standing
    assert not machine.file("/var/lib/malleposte-acme/new.pem").exists


def test_the_end_is_watched(host: Callable[[str], Host]) -> None:
    machine = host("vault2")
    machine.check_output(f"systemctl start {CHECK}")
    with kept(machine, CHAIN):
        make_placeholder(machine)
        assert machine.run(f"systemctl start {CHECK}").rc != 0
        assert "ends in less than" in machine.check_output(f"journalctl -u {CHECK} -n 8 -o cat")
    machine.check_output(f"systemctl start {CHECK}")


def test_a_check_that_failed_looks_again_at_the_new_certificate(host: Callable[[str], Host]) -> None:
    """A unit that failed once would stay so until the next morning, after the renewal that mended it."""
    machine = host("vault1")
    make_placeholder(machine)
    assert machine.run(f"systemctl start {CHECK}").rc != 0
    machine.check_output(f"systemctl start {RENEW}")
    wait_for(lambda: machine.run(f"systemctl is-failed --quiet {CHECK}").rc != 0, 60, "the check has looked again")


@pytest.mark.full
def test_a_deploy_fails_while_the_authority_is_silent_and_names_the_certificate(
    site: Site, host: Callable[[str], Host]
) -> None:
    """A request that is under way is no certificate; the host has a placeholder, as on its first day."""
    machine = host("vault2")
    silent = "import socket, time; s = socket.create_server(('127.0.0.1', 14001)); time.sleep(3600)"

    def deploy(**tls: str) -> playbook.Report:
        given = {"malleposte_tls": dict(site.platform["tls"]) | tls}
        return playbook.run(Options(site.inventory, limit="vault2", tags="acme", extra=(json.dumps(given),)))

    make_placeholder(machine)
    machine.check_output(f'systemd-run --quiet --unit=essai-silence python3 -c "{silent}"')
    try:
        report = deploy(acme_directory="https://127.0.0.1:14001/dir")
        assert report.code != 0, "a deploy without a certificate is no success"
        assert f"no certificate for vault2.{site.platform['domain']}" in report.cause
        assert "journalctl --unit=malleposte-tls-renew.service" in report.cause
    finally:
        machine.check_output("systemctl stop essai-silence.service")
        report = deploy()
    assert report.code == 0, report.cause
    assert "BEGIN" in chain(machine)
    machine.check_output("/usr/local/lib/malleposte/tls-check")
