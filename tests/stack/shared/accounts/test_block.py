"""A hacked account is blocked: every effect seen from outside, for the attacker and for the agent.

Two accounts, one of each class, enter by every channel first; then they are blocked, once; each test looks at one.
"""

import datetime
import imaplib
import json
import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from malleposte.accounts import acts
from malleposte.accounts.credentials.passwords import Passwords, RefusedPasswordError
from malleposte.accounts.journal import Journal
from malleposte.directory.model import Agent
from malleposte.policy import rules
from malleposte.probe.accounts import context_of
from malleposte.probe.walker import wire
from malleposte.probe.walker.sieve import SieveError

from tests.stack.support.accounts_cli import Cli, document, start
from tests.stack.support.dav import Device
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, compose, ended, token, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.webmail import Webmail

NOWHERE = "personne@[192.0.2.1]"
"""An address to which mail never arrives: it waits in the queue."""


def redirect(target: str) -> str:
    """Filters that an attacker leaves: a forward, and an answer to everybody."""
    return f'require ["copy", "vacation"];\nredirect :copy "{target}";\nvacation :days 1 "absent";\n'


@dataclass
class Victim:
    """A blocked account: the open sessions of before, what it had sent, where its filters forward to."""

    account: object
    new: object
    imap: object
    smtp: smtplib.SMTP
    web: object
    forward: str
    waiting: str
    told: dict


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


@pytest.fixture(scope="module")
def crowd(site):
    made = People(site)
    yield made
    made.clear()


@pytest.fixture(scope="module")
def post(site, plan):
    client = Mail(site, plan)
    yield client
    client.close()


@pytest.fixture(scope="module")
def box(crowd, victims):
    """A box of a function that both may send as."""
    return crowd.box(*(one.account.uid for one in victims.values()), "probe1")


def written(post, who):
    """The answer to a message of an agent to the probe."""
    return post.submit(who, who.mail, "probe1@ac-exemple.test", compose(who.mail, "probe1@ac-exemple.test", token()))


def idle(session):
    """Let a session wait for news."""
    session.send(b"a1 IDLE\r\n")
    assert session.readline().startswith(b"+")
    return session


def queued(site, uid=""):
    lines = site.run("mail1", "postqueue -j").splitlines()
    return [one for one in map(json.loads, lines) if uid in one["sender"]]


@pytest.fixture(scope="module")
def victims(site, crowd, cli, post, web, ca_bundle, platform):
    """Warm every channel, block, and keep what was open."""
    names, address = platform["hostnames"], site.address("mail1")
    ready = {}
    bystander = idle(post.imap("probe2"))
    for profile in ("convergence", "roundcube"):
        account = crowd.agent(profile=profile, delegates=("probe2",))
        forward = f"{token()}@lointain.test"
        post.set_filter(account, "sogo" if profile == "convergence" else "roundcube", redirect(forward))
        device = Device(web, address, names["dav"], account)
        assert device.ask("PROPFIND", "/", Depth="0").status == 207
        if profile == "convergence":
            visitor = Groupware(site, ca_bundle, account).login()
            assert visitor.get(visitor.own("Mail/unseenCount")).json() is not None
        else:
            visitor = Webmail(site, web)
            assert visitor.login(account.uid, account.password)
        subject = token()
        assert post.submit(account, account.mail, NOWHERE, compose(account.mail, NOWHERE, subject)).accepted
        session = post._open.enter_context(post.session(account))
        ready[profile] = (account, idle(post.imap(account)), session, visitor, forward)
    result = {}
    for profile, (account, imap, session, visitor, forward) in ready.items():
        told = document(cli.typed("block", account.uid, "--reason", "essai", "--json"))
        waiting = [one["queue_id"] for one in queued(site, account.mail)]
        person = Agent(account.uid, "Essai", account.uid, account.mail, profile)
        new = replace(account, password=rules.generate(context_of(person)))
        result[profile] = Victim(account, new, imap, session, visitor, forward, waiting[0] if waiting else "", told)
    bystander.send(b"DONE\r\n")
    while line := bystander.readline():
        if line.startswith(b"a1 "):
            break
    assert line.startswith(b"a1 OK"), "another agent's session is not touched"
    yield result
    left = [one["queue_id"] for victim in result.values() for one in queued(site, victim.account.mail)]
    if left:
        site.run("mail1", "postsuper -d -", given="\n".join(left) + "\n")


@pytest.fixture(params=["convergence", "roundcube"])
def victim(request, victims):
    return victims[request.param]


@pytest.fixture(scope="module")
def rescued(site, victims, tmp_path_factory):
    """Both with a new password, as after the codes."""
    now = datetime.datetime.now(datetime.UTC)
    with (
        directory(site) as bound,
        Journal(tmp_path_factory.mktemp("journal") / "j.jsonl", "essai") as journal,
    ):
        passwords = Passwords(bound, journal)
        for one in victims.values():
            with pytest.raises(RefusedPasswordError):
                passwords.set_after_codes(one.account.uid, one.account.password, now)
            passwords.set_after_codes(one.account.uid, one.new.password, now)
            assert acts.entry(bound, one.account.uid).attributes["mpState"] == ["active"]
            site.run("mail1", f"doveadm auth cache flush {one.account.uid}")
    return victims


def refused(call):
    """Whether a log-in is refused."""
    try:
        call()
    except (imaplib.IMAP4.error, wire.PathError, smtplib.SMTPAuthenticationError, SieveError):
        return True
    return False


# --- at once ---


def test_it_says_what_it_did(victim):
    assert victim.told["changed"] and not victim.told["failures"]
    assert victim.told["forwards"] == [victim.forward]
    assert victim.told["blocked_until"] > datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%SZ")


def test_the_old_password_is_void_for_mail(victims, site, plan):
    """All at once: Dovecot lets an address with failures wait longer each time."""

    def knock(channel):
        protocol, who = channel
        client = Mail(site, plan)
        try:
            return refused(lambda: client._open.enter_context(client.session(who)) if protocol == "smtp"
                           else getattr(client, protocol)(who))  # fmt: skip
        finally:
            client.close()

    channels = [(protocol, one.account) for protocol in ("imap", "sieve", "smtp") for one in victims.values()]
    with ThreadPoolExecutor(len(channels)) as threads:
        assert list(threads.map(knock, channels)) == [True] * len(channels)


def test_the_old_password_is_void_for_the_directory_and_devices(victim, site, web, platform):
    with directory(site) as bound:
        assert not bound.log_in(f"uid={victim.account.uid},ou=people,{bound.suffix}", victim.account.password).ok
    device = Device(web, site.address("mail1"), platform["hostnames"]["dav"], victim.account)
    assert device.ask("PROPFIND", "/", Depth="0").status == 401


def test_a_waiting_session_ends(victim):
    assert ended(victim.imap)


def test_a_session_of_before_sends_nothing(victim):
    answer = wire.deliver(
        victim.smtp, victim.account.mail, "probe1@ac-exemple.test", compose("a@b.test", "c@d.test", "x")
    )
    assert answer[1] == 554 and "blocage" in answer[2], answer


def test_mail_that_waited_is_held(victim, site):
    found = {one["queue_id"]: one["queue_name"] for one in queued(site, victim.account.mail)}
    assert victim.told["held"] == [victim.waiting] and found == {victim.waiting: "hold"}


def _log(site, since):
    return site.run("mail1", f"journalctl -u 'postfix*' -u dovecot --since @{since:.6f} -o cat")


def _delivered(site, uid, subject):
    return wait_for(
        lambda: site.run("mail1", f"doveadm search -u {uid} mailbox INBOX subject {subject}", check=False).strip(),
        what=f"{subject} for {uid}",
    )


def test_filters_rest_and_mail_still_arrives(victim, post, site, rescued):
    """Also after the new password: forwards and answers wait for the end of the block."""
    since = time.time()
    for subject in (token(), token()):
        post.foreign(
            "quelquun@lointain.test",
            victim.account.mail,
            compose("quelquun@lointain.test", victim.account.mail, subject),
        )
        _delivered(site, victim.account.uid, subject)
    log = _log(site, since)
    assert victim.forward not in log and f"from=<{victim.account.mail}>" not in log
    sieve = post.sieve(victim.new)
    (name,) = [script for script, active in sieve.scripts().items() if active]
    assert victim.forward in b"\n".join(sieve.command(f'GETSCRIPT "{name}"')).decode()


# --- after the new password ---


def test_reading_returns_and_sending_does_not(victim, post, rescued, web, site, platform):
    assert post.imap(victim.new).select("INBOX")[0] == "OK"
    answer = written(post, victim.new)
    assert answer.code == 554 and "blocage" in answer.text
    device = Device(web, site.address("mail1"), platform["hostnames"]["dav"], victim.new)
    assert device.ask("PROPFIND", "/", Depth="0").status == 207


def test_the_webmails_send_nothing(rescued, site, web, ca_bundle, platform):
    sogo = Groupware(site, ca_bundle, rescued["convergence"].new).login()
    assert sogo.send(to=["probe1@ac-exemple.test"], subject=token(), text="x").status >= 400
    visitor = Webmail(site, web)
    account = rescued["roundcube"].new
    assert visitor.login(account.uid, account.password)
    told = visitor.send("probe1@ac-exemple.test", token(), "x")
    assert "sent_successfully" not in told and ("error" in told or "554" in told), told


def test_nobody_sends_as_them_and_they_send_as_nobody(victim, post, rescued, box):
    message = compose(victim.new.mail, "probe1@ac-exemple.test", "x")
    answer = post.submit("probe2", victim.new.mail, "probe1@ac-exemple.test", message)
    assert answer.code in (553, 554), answer
    answer = post.submit(
        victim.new, box.mail, "probe1@ac-exemple.test", compose(box.mail, "probe1@ac-exemple.test", "x")
    )
    assert answer.code == 554, answer
    assert post.submit(
        "probe1", box.mail, "probe1@ac-exemple.test", compose(box.mail, "probe1@ac-exemple.test", token())
    ).accepted


def test_nothing_on_the_host_sends_in_their_name(victim, site, rescued):
    """Filters, reminders: what comes from the hosts themselves, under the agent's address."""
    said = site.run("mail1", f"/usr/bin/python3 -c \"import smtplib; s = smtplib.SMTP('127.0.0.1', 25); s.ehlo(); "
                    f"s.mail('{victim.account.mail}'); print(s.rcpt('probe1@ac-exemple.test'))\"")  # fmt: skip
    assert "554" in said


def test_means_of_recovery_that_changed_lately_are_not_believed(victim, crowd, cli, rescued):
    changed = [(datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3)).strftime("%Y%m%d%H%M%SZ")]
    crowd.change(victim.account, mpRecoveryMail=["voleur@lointain.test"], mpRecoveryChanged=changed)
    assert cli.json("show", victim.account.uid)["recovery_ignored"] is True


# --- the end ---


def test_before_the_time_it_takes_a_reason_and_the_dsi(rescued, cli, site, post):
    victim = rescued["convergence"]
    done = cli("unblock", victim.account.uid)
    assert done.returncode == 2 and "--override" in done.stderr
    words = f"SUDO_USER=nobody malleposte accounts unblock {victim.account.uid} --override essai; echo $?"
    assert site.run("mail1", words).strip() == "2"
    words = ("--override", "jury ce soir", "--queued", "delete", "--json")
    told = document(cli.typed("unblock", victim.account.uid, *words))
    assert [one["id"] for one in told["messages"]] == [victim.waiting] and told["forwards"] == [victim.forward]
    assert not queued(site, victim.account.mail)
    sent = written(post, victim.new)
    assert sent.accepted, sent
    journal = site.run(
        "mail1", f'grep \'"unblock", "account": "{victim.account.uid}"\' /var/log/malleposte/accounts.jsonl'
    )
    line = json.loads(journal.splitlines()[-1])
    assert line["note"] == "before its time: jury ce soir" and " for " in line["who"]


def test_the_timer_ends_a_block_in_time(rescued, cli, site, post, crowd):
    victim = rescued["roundcube"]
    assert victim.account.uid not in cli("nightly", "--step", "lift", "--dry-run").stdout
    assert site.run("mail1", "systemctl is-active malleposte-accounts-blocks.timer").strip() == "active"
    crowd.change(victim.account, mpBlockedUntil=["20260101000000Z"])
    barred = written(post, victim.new)
    assert barred.code == 554, "a block that nobody lifted goes on"
    start(site, "malleposte-accounts-blocks.service")
    sent = written(post, victim.new)
    assert sent.accepted, sent
    since = time.time()
    post.foreign(
        "quelquun@lointain.test", victim.account.mail, compose("quelquun@lointain.test", victim.account.mail, "x")
    )
    wait_for(lambda: victim.forward in _log(site, since), what="the agent's filters are in force again")
    told = cli.json("unblock", victim.account.uid, "--queued", "release")
    assert [one["id"] for one in told["messages"]] == [victim.waiting]
    assert {one["queue_name"] for one in queued(site, victim.account.mail)} <= {"active", "deferred", "incoming"}


def test_hostd_serves_its_group_alone(site, people):
    account = people.agent()
    ask = (
        "import sys; sys.path.insert(0, '/usr/lib/malleposte/malleposte.pyz'); "
        f"from malleposte.accounts.hosts.hostd import Hostd; Hostd().close('{account.uid}'); print('closed')"
    )
    done = site.run("mail1", f'setpriv --reuid nobody --regid malleposte-hostd --clear-groups python3 -c "{ask}"')
    assert done.strip() == "closed", "sessions ended, and nothing failed"
    told = site.run(
        "mail1", f'setpriv --reuid nobody --regid nogroup --clear-groups python3 -c "{ask}" 2>&1', check=False
    )
    assert "PermissionError" in told


def test_a_block_waits_for_no_other_command(site, people):
    """An import holds the lock of whoever changes accounts, for minutes."""
    who = people.agent()
    block, other = f"block {who.uid}", f"rename {who.uid} --surname Autre"
    beside = "; ".join(f"malleposte accounts {words} >&2; echo $?" for words in (block, other))
    done = site.run("mail1", f"flock /run/lock/malleposte-accounts.lock sh -c '{beside}'")
    assert done.split() == ["0", "1"], "the block was done, the other act refused"
    with directory(site) as bound:
        (entry,) = bound.search("people", ["mpState", "sn"], {"uid": who.uid})
    assert (entry.attributes["mpState"], entry.attributes["sn"]) == (["blocked"], [who.uid])
