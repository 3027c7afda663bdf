"""Password guessing is slowed down at its source, and nowhere else: delays per account and source network."""

import imaplib
import secrets
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.policy import rules
from malleposte.probe.walker import wire
from malleposte.throttle import Settings, Throttle

from tests.stack.support.groupware import Groupware
from tests.stack.support.guesses import ATTACKER, FREE, NEIGHBOUR, OWNER, free_within, player, wrong
from tests.stack.support.mail import wait_for
from tests.stack.support.throttle import VALKEY, delay, place
from tests.stack.support.webmail import Webmail


@pytest.fixture
def tries(site: Any) -> Any:
    """Log-ins as (address, name, password), some at once."""
    return player(site)


def failures(site: Any, uid: str) -> int:
    """Count the failures in slapd."""
    dn = f"uid={uid},ou=people,{site.place.suffix}"
    text = site.run("mail1", f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b {dn} -s base pwdFailureTime")
    return int(text.count("pwdFailureTime:"))


def test_the_attacker_s_network_waits_and_the_owner_does_not(tries: Any, people: Any, site: Any) -> None:
    who = people.agent()
    begun = time.monotonic()
    answers = tries(*((ATTACKER, who.uid, word) for word in wrong(20)), at_once=20)
    free = free_within(time.monotonic() - begun)
    assert not any(answer.ok for answer in answers)
    # All at once: no more were proved than are free.
    assert FREE <= sum(not answer.delayed for answer in answers) <= free
    assert failures(site, who.uid) <= free
    assert [tries((address, who.uid, who.password))[0].ok for address in (OWNER, "2001:db8::7")] == [True, True]


def test_who_reads_from_a_school_goes_on_while_pupils_guess(tries: Any, people: Any, site: Any) -> None:
    """The same address: who has read from there before is judged apart, by what has succeeded."""
    who = people.agent()
    mine = (ATTACKER, who.uid, who.password)
    assert tries(mine)[0].ok
    delay(site, who.uid, NEIGHBOUR)
    assert tries((NEIGHBOUR, who.uid, who.password))[0].delayed
    assert tries(mine)[0].ok


ENDS = "return {redis.call('TTL', KEYS[1]), redis.call('TTL', KEYS[2])}"
FORGET = """
import pathlib, sys
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from malleposte.daemons.authpolicy import Config
from malleposte.throttle import Throttle
Throttle(Config.read(pathlib.Path("/etc/malleposte/authpolicy.json")).throttle).forget(sys.argv[1])
"""


def test_even_the_right_password_waits_there_until_all_is_forgotten(tries: Any, people: Any, site: Any) -> None:
    """A guess that is answered within the delay would tell; a new password or an unblock ends it everywhere."""
    who, other = people.agent(), people.agent()
    for address in (ATTACKER, "2001:db8:1:1::1"):
        delay(site, who.uid, address)
    there = [(address, who.uid, who.password) for address in (ATTACKER, NEIGHBOUR, "2001:db8:1:1::2")]
    assert [answer.delayed for answer in tries(*there, at_once=3)] == [True] * 3
    assert tries((ATTACKER, other.uid, other.password))[0].ok
    assert tries((OWNER, who.uid, who.password))[0].ok
    site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(FORGET), who.uid)
    assert [answer.ok for answer in tries(*there, at_once=3)] == [True] * 3


def test_the_same_wrong_password_counts_once(tries: Any, people: Any, site: Any) -> None:
    """An old telephone neither locks its owner out nor drives slapd's own count up."""
    who, old = people.agent(), rules.generate()
    answers = tries(*[(ATTACKER, who.uid, old)] * 6, at_once=2)
    assert not any(answer.ok or answer.delayed for answer in answers)
    assert failures(site, who.uid) <= 2
    assert tries((NEIGHBOUR, who.uid, who.password))[0].ok


def test_the_right_password_forgets(tries: Any, people: Any) -> None:
    who = people.agent()
    for _ in range(2):
        words = wrong(FREE - 1)
        answers = tries(*((ATTACKER, who.uid, word) for word in words), at_once=FREE)
        assert not any(answer.delayed for answer in answers)
        assert tries((ATTACKER, who.uid, who.password))[0].ok


def test_a_stranger_cannot_say_whom_he_speaks_for(
    people: Any, plan: Any, mail1: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(imaplib.Commands, "ID", ("NONAUTH",))  # type: ignore[attr-defined]
    who, word = people.agent(), secrets.token_hex(8)
    session = wire.Imap(
        wire.context(plan).wrap_socket(wire.connect(plan, plan.mail, "imaps"), server_hostname=plan.mail)
    )
    try:
        session._simple_command("ID", f'("x-originating-ip" "{OWNER}")')
        with pytest.raises(imaplib.IMAP4.error):
            session.login(who.uid, word)
    finally:
        session.shutdown()
    mine = mail1.check_output("echo $SSH_CONNECTION").split()[0]
    assert f"rip={mine}," in logged(mail1, who.uid)


def logged(mail1: Any, uid: str) -> str:
    command = f"journalctl -u dovecot --since=-5min --no-pager -o cat | grep -F 'imap-login' | grep -F '<{uid}>'"
    return str(wait_for(lambda: mail1.run(command).stdout, what=f"a line on {uid}"))


def test_the_webmail_names_its_client(site: Any, web: Any, platform: Any, people: Any, mail1: Any) -> None:
    """Else all who read by the webmail would be one source."""
    who = people.agent()
    assert Webmail(site, web).login(who.uid, who.password)
    mine = mail1.check_output("echo $SSH_CONNECTION").split()[0]
    assert f"rip={mine}," in logged(mail1, who.uid)


def test_the_groupware_s_devices_wait_too(tries: Any, people: Any, site: Any, ca_bundle: Path) -> None:
    """SOGo believes whom its front names: none is named whom Dovecot has not proved."""
    who = people.agent(profile="convergence")
    visitor, owner = Groupware(site, ca_bundle, who), (OWNER, who.uid, who.password)
    begun = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        made = [Groupware(site, ca_bundle, replace(who, password=word)) for word in wrong(20)]
        answers = list(pool.map(lambda one: one.propfind("").status, made))
    assert set(answers) == {401}
    assert failures(site, who.uid) <= free_within(time.monotonic() - begun)
    assert tries(owner)[0].ok
    delay(site, who.uid, str(site.lab.settings.gateway))
    assert visitor.propfind("").status == 401
    site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(FORGET), who.uid)
    assert visitor.propfind("").status == 207


def test_what_is_kept_goes_by_itself_and_names_nobody(tries: Any, people: Any, site: Any) -> None:
    who, word = people.agent(), rules.generate()
    tries((ATTACKER, who.uid, word))
    secret = site.secret("valkey-throttle")
    key = place(site, who.uid, ATTACKER)
    index = key.rpartition(":")[0]
    text = site.run("mail1", f"REDISCLI_AUTH=$(cat) {VALKEY} zrange {index} 0 -1", given=secret)
    assert key in text.split()
    assert who.uid not in text
    assert "198.51" not in text
    throttle = Throttle(Settings("unix:///nowhere", site.secret("auth-policy-nonce")))
    held = site.run(
        "mail1", f"REDISCLI_AUTH=$(cat) {VALKEY} hget {key} d:{throttle.known_by(who.uid, word)}", given=secret
    )
    assert held.startswith("f"), "the library and Dovecot know a password by different digests"
    for command in ("get rspamd", "hget rspamd x", "scan 0", "flushall"):
        refused = site.run("mail1", f"REDISCLI_AUTH=$(cat) {VALKEY} {command}", given=secret, check=False)
        assert "NOPERM" in refused, command
    other = VALKEY.replace("valkey-throttle", "valkey")
    assert "WRONGPASS" in site.run("mail1", f"REDISCLI_AUTH=$(cat) {other} hget x y 2>&1", given=secret, check=False)
    # A key that ends soonest goes first when the memory is full: each key has an end.
    text = site.run("mail1", f'REDISCLI_AUTH=$(cat) {VALKEY} eval "{ENDS}" 2 {key} {index}', given=secret)
    assert [0 < int(line) <= 1800 for line in text.split()] == [True, True]


def test_the_daemon_is_closed(mail1: Any, site: Any) -> None:
    """Loopback alone, its key asked for, its own user, nothing readable by others."""
    assert "127.0.0.1:4001" in mail1.run("ss -Hlnt sport = :4001").stdout
    ask = "curl -s -o /dev/null -w %{http_code} -d '{}' 'http://127.0.0.1:4001/?command=allow'"
    assert mail1.run(ask).stdout == "403"
    status = mail1.run("cat /proc/$(systemctl show -p MainPID --value authpolicy)/status").stdout
    assert "NoNewPrivs:\t1" in status
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in uids
    assert mail1.file("/etc/malleposte/authpolicy.json").mode == 0o640
    assert site.run("mail1", "runuser -u nobody -- cat /etc/malleposte/authpolicy.json 2>&1 || true").endswith(
        "denied\n"
    )
