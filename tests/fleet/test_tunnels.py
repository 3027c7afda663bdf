"""Tunnels between hosts: who has the key, from the host that is meant, reaches one service; nobody else does."""

import socket
from dataclasses import replace

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.policy import rules

from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.throttle import delay

AUTH, REMINDERS, THROTTLE, GUESSES = 7445, 7446, 7447, 7448
CALL = "timeout 10 openssl s_client -quiet -connect {address}:{port} {key} </dev/null 2>&1; true"


def said(site: Site, host: str, port: int, key: str = "") -> str:
    """The output of a host's TLS client at the tunnel's end on the mail host."""
    return site.run(host, CALL.format(address=site.address("mail1"), port=port, key=key), timeout=60)


def key_of(site: Site, host: str, name: str) -> tuple[str, str]:
    """Identity and key of a caller."""
    identity, _, key = site.run(host, f"cat /etc/stunnel/malleposte-{name}.psk").strip().partition(":")
    return identity, key


def test_only_the_key_opens_a_tunnel(site: Site) -> None:
    identity, key = key_of(site, "web1", "auth")
    known = f"-psk_identity {identity} -psk {key}"
    assert "VERSION\t1\t" in said(site, "web1", AUTH, known), "Dovecot greets who has the key"
    other = key_of(site, "web1", "reminders")[1]
    for without in ("", f"-psk_identity {identity} -psk {other}", f"-psk_identity dir1 -psk {key}"):
        assert "VERSION\t" not in said(site, "web1", AUTH, without)


def test_the_firewall_lets_the_meant_hosts_alone_come(site: Site) -> None:
    def reaches(host: str, port: int) -> bool:
        words = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{site.address('mail1')}/{port}' && echo yes"
        return site.run(host, words, check=False).strip() == "yes"

    expected = {AUTH: {"web1"}, REMINDERS: {"web1"}, THROTTLE: {"dir1"}, GUESSES: {"web1", "pia1"}}
    for port, hosts in expected.items():
        assert {host for host in ("web1", "dir1", "pia1") if reaches(host, port)} == hosts
    with pytest.raises(OSError, match=r"timed out|refused|unreachable"):
        socket.create_connection((site.address("mail1"), AUTH), timeout=5).close()


def test_their_keys_are_read_by_nobody(site: Site) -> None:
    for host in ("mail1", "web1", "dir1"):
        modes = site.run(host, "stat -c '%a %U' /etc/stunnel/*.psk").splitlines()
        assert set(modes) == {"600 root"}


def test_the_router_s_socket_is_for_its_group(site: Site) -> None:
    place = "/run/malleposte-tunnel-auth.sock"
    assert site.run("web1", f"stat -c '%a %G' {place}") == "660 dovecot-auth\n"
    words = "setpriv --reuid {user} --regid {user} --init-groups test -w " + place + " && echo yes"
    assert site.run("web1", words.format(user="www-data"), check=False) == ""


def test_a_delay_that_the_mail_host_counts_holds_for_the_portal(site: Site, people: People, mail: Mail) -> None:
    """accountd on the directory's host and Dovecot on its own count in one place."""
    portal, who, new = Portal(site), people.agent(), f"{token()}-Aa1!"
    assert not rules.check(new, rules.Context(who.uid))
    delay(site, who.uid, portal.source)
    answer = portal.one(passwords.Change(portal.source, who.uid, who.password, new))
    assert isinstance(answer, Refused), answer
    assert answer.error is ErrorCode.SLOW_DOWN
    assert mail.imap(who), "nothing is changed"
    elsewhere = Portal(site)
    elsewhere.source = "192.0.2.77"
    assert isinstance(elsewhere.one(passwords.Change(elsewhere.source, who.uid, who.password, new)), Done)
    assert mail.imap(replace(who, password=new))
