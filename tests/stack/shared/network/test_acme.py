"""The TLS pair: its key, its certificate, its renewal and a failed renewal."""

import hashlib
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

CHAIN = "/etc/ssl/malleposte/fullchain.pem"
KEY = "/etc/ssl/malleposte/privkey.pem"
HOSTS = ("mail1", "pia1", "vault1", "vault2")


def digest_of_key(machine: Host) -> str:
    public = machine.check_output(f"openssl pkey -in {KEY} -pubout")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(public.replace("PUBLIC KEY", "CERTIFICATE"))).hexdigest()


@pytest.mark.parametrize("name", HOSTS)
def test_the_certificate_is_trusted_and_for_the_host(
    host: Callable[[str], Host], platform: dict[str, Any], name: str
) -> None:
    machine = host(name)
    machine.check_output(f"openssl verify -x509_strict -untrusted {CHAIN} {CHAIN}")
    names = machine.check_output(f"openssl x509 -in {CHAIN} -noout -ext subjectAltName")
    assert f"DNS:{name}.{platform['domain']}" in names
    machine.check_output(f"/usr/local/lib/malleposte/tls-match {KEY} {CHAIN}")


@pytest.mark.parametrize("name", HOSTS)
def test_only_root_and_the_group_read_the_key(host: Callable[[str], Host], name: str) -> None:
    key = host(name).file(KEY)
    assert (key.user, key.group, key.mode) == ("root", "ssl-cert", 0o640)


def test_tlsa_of_the_mail_host_is_its_key(mail1: Host, world: Host, platform: dict[str, Any]) -> None:
    answer = world.check_output(f"kdig +short @127.0.0.1 TLSA _25._tcp.{platform['hostnames']['mail']}")
    assert answer.split()[:3] == ["3", "1", "1"]
    assert "".join(answer.split()[3:]).lower() == digest_of_key(mail1)


@pytest.mark.parametrize("timer", ["malleposte-tls-renew.timer", "malleposte-tls-check.timer"])
def test_the_timers_run(mail1: Host, timer: str) -> None:
    assert mail1.service(timer).is_running
    assert mail1.service(timer).is_enabled
