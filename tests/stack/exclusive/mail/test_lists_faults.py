"""A fault of one message of a list, or of the daemon, does not affect the others."""

import json
import secrets

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import compose, token, wait_for
from tests.stack.support.people import directory

pytestmark = pytest.mark.rings("UnitInactive", "UnitRestarts")

SPOOL = "/var/spool/malleposte-lists"
UNIT = "malleposte-lists.service"
HURRY = f"/run/systemd/system/{UNIT}.d"


@pytest.fixture
def cli(site):
    return Cli(site).out


@pytest.fixture
def address(cli, people, site):
    """A list of one member, who may write to it: (address, member)."""
    name, member = f"liste-{secrets.token_hex(4)}", people.agent()
    cli("lists", "create", name, "--name", "Liste", "--member", member.uid)
    yield f"{name}@{site.place.domain}", member
    with directory(site) as bound:
        bound.delete(f"cn={name},ou=lists,{bound.suffix}")


def test_a_damaged_message_is_put_aside_and_its_operators_told_once(mail, site, cli, address):
    to, member = address
    # Being sent: a message whose file the disk spoilt.
    name = f"20200101000000-{secrets.token_hex(4)}"
    spoilt = f"{SPOOL}/out/{name}"
    site.run("mail1", f"install -d -m 700 -o malleposte-lists {spoilt}; printf '{{\"list' > {spoilt}/about.json; "
             f"chown -R malleposte-lists {spoilt}; systemctl restart {UNIT}")  # fmt: skip
    try:
        subject = token()
        assert mail.submit(member, member.mail, to, compose(member.mail, to, subject)).accepted
        assert mail.arrived(member, subject)
        (row,) = [row for row in json.loads(cli("lists", "queue", "--json")) if row["id"] == name]
        assert (row["place"], row["reason"].partition(":")[0]) == ("bad", "about.json")
        log = f"journalctl -q -o cat -u postfix --since -5min | grep -c 'orig_to=<postmaster@{site.place.domain}>'"
        wait_for(lambda: site.run("mail1", f"test -e {SPOOL}/bad/{name}/told && echo told", check=False))
        told = wait_for(lambda: site.run("mail1", log, check=False).strip())
        site.run("mail1", f"systemctl restart {UNIT}")
        assert mail.submit(member, member.mail, to, compose(member.mail, to, f"{subject}b")).accepted
        assert mail.arrived(member, f"{subject}b")
        assert site.run("mail1", log).strip() == told
        cli("lists", "reject", name)
        assert name not in cli("lists", "queue", "--json")
    finally:
        site.run("mail1", f"rm -rf {SPOOL}/*/{name}")


def test_while_it_cannot_send_the_mail_server_keeps_what_is_written(mail, site, address):
    to, member = address
    # Its way back into Postfix is closed to it.
    table = "inet essai"
    close = "nft -f -"
    rules = f"table {table} {{ chain o {{ type filter hook output priority 0; oif lo tcp dport 10026 reject; }}\n }}"
    site.run("mail1", close, given=rules)
    try:
        first, second = token(), token()
        assert mail.submit(member, member.mail, to, compose(member.mail, to, first)).accepted
        wait_for(lambda: "waits" in site.run("mail1", f"journalctl -q -o cat -u {UNIT} -n 3"))
        assert mail.submit(member, member.mail, to, compose(member.mail, to, second)).accepted
        wait_for(lambda: "451 4.3.0" in site.run("mail1", "postqueue -p"), what="it is put off, not taken")
    finally:
        site.run("mail1", f"nft delete table {table}")
    site.run("mail1", f"systemctl restart {UNIT}")
    assert mail.arrived(member, first)
    site.run("mail1", "postqueue -f")
    assert mail.arrived(member, second)
    assert (mail.count(member, first), mail.count(member, second)) == (1, 1)


@pytest.fixture
def impatient(site):
    """systemd waits twenty seconds for a sign of life, not a minute, and five for the end of what hangs."""
    show = f"systemctl show -P WatchdogUSec {UNIT}"
    assert site.run("mail1", show).strip() == "1min"
    lines = "[Service]\\nWatchdogSec=20\\nTimeoutAbortSec=5\\n"
    site.run("mail1", f"mkdir -p {HURRY} && printf '{lines}' >{HURRY}/essai.conf")
    site.run("mail1", f"systemctl daemon-reload && systemctl restart {UNIT}")
    assert site.run("mail1", show).strip() == "20s"
    yield
    site.run("mail1", f"rm -rf {HURRY} && systemctl daemon-reload && systemctl restart {UNIT}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.full
def test_a_daemon_that_hangs_is_started_again(mail, site, address):
    to, member = address
    old = site.run("mail1", f"systemctl show -P MainPID {UNIT}").strip()
    site.run("mail1", f"kill -STOP {old}")
    wait_for(lambda: site.run("mail1", f"systemctl show -P MainPID {UNIT}").strip() not in (old, "0"), 120)
    subject = token()
    assert mail.submit(member, member.mail, to, compose(member.mail, to, subject)).accepted
    assert mail.arrived(member, subject)
