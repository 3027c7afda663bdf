"""Senders without a password: users of the mail host, the platform's other hosts, its own services."""

import email
import json
import re
import secrets

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import FOREIGN, compose, token, wait_for
from tests.stack.support.people import directory

OURS = "ac-exemple.test"
SIEVE, LISTS, NOTICES, REMINDERS = 10027, 10026, 10028, 10029
SEND = """
import json, os, pwd, smtplib, sys
given = json.load(sys.stdin)
user = pwd.getpwnam(given["user"])
os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
code, step = 0, "CONNECT"
try:
    with smtplib.SMTP(given["server"], given["port"], timeout=60) as session:
        session.ehlo("probe.lointain.test")
        for step, act in (
            ("MAIL", lambda: session.mail(given["sender"])),
            ("RCPT", lambda: session.rcpt(given["recipient"])),
            ("DATA", lambda: session.data(given["message"].encode())),
        ):
            code, text = act()
            if code >= 400:
                break
        print(json.dumps([step, code, text.decode()]))
except ConnectionError as error:
    print(json.dumps([step, 0, str(error)]))
"""


@pytest.fixture
def send(site):
    """Send from a host as one of its users: (step that decided, code, words)."""

    def run(host, user, sender, recipient, head, port=25, subject=""):
        message = compose(head, recipient, subject or token()).decode()
        words = {
            "user": user, "server": "127.0.0.1" if host == "mail1" else site.address("mail1"), "port": port,
            "sender": sender, "recipient": recipient, "message": message,
        }  # fmt: skip
        return json.loads(site.run(host, "/usr/bin/python3", "-c", f"'{SEND}'", given=json.dumps(words)))

    return run


# --- users of the mail host ---


@pytest.mark.parametrize("user", ["nobody", "root", "www-data"])
def test_a_user_of_the_mail_host_is_a_stranger_at_port_25(mail, people, send, user):
    reader, outside = people.agent(), f"probe@{FOREIGN}"
    step, code, text = send("mail1", user, f"probe2@{OURS}", reader.mail, f"probe2@{OURS}")
    assert (step, code) == ("RCPT", 554), text
    step, code, text = send("mail1", user, outside, reader.mail, f"probe2@{OURS}")
    assert (step, code) == ("DATA", 554), text
    step, code, text = send("mail1", user, outside, f"probe@{FOREIGN}", outside)
    assert (step, code) == ("RCPT", 554), text
    subject = token()
    assert send("mail1", user, outside, reader.mail, outside, subject=subject)[:2] == ["DATA", 250]
    assert b"DKIM-Signature: " not in mail.arrived(reader, subject)


def test_the_groupware_reaches_its_own_way_to_send_and_not_port_25(people, send):
    reader, agent = people.agent(), f"probe2@{OURS}"
    step, code, text = send("mail1", "sogo", agent, reader.mail, agent)
    assert (step, code) == ("CONNECT", 0), text
    assert send("mail1", "sogo", agent, reader.mail, agent, port=REMINDERS)[:2] == ["DATA", 250]


@pytest.mark.parametrize(
    ("port", "user", "others"),
    [
        (LISTS, "malleposte-lists", ["nobody", "root", "vmail"]),
        (SIEVE, "vmail", ["nobody", "root", "sogo"]),
        (NOTICES, "accountd", ["nobody", "root", "www-data"]),
        (NOTICES, "dovenull", ["sogo"]),
        (NOTICES, "vmail", ["roundcube"]),
        (NOTICES, "malleposte-outbound", ["_rspamd"]),
        (REMINDERS, "sogo", ["nobody", "root", "vmail"]),
    ],
)
def test_a_way_in_is_open_to_its_daemon_alone(mail, people, send, port, user, others):
    reader = people.agent()
    for other in others:
        step, code, text = send("mail1", other, "", reader.mail, f"postmaster@{OURS}", port=port)
        assert (step, code) == ("CONNECT", 0), (other, text)
    subject = token()
    answer = send("mail1", user, "", reader.mail, f"postmaster@{OURS}", port=port, subject=subject)
    assert answer[:2] == ["DATA", 250], answer
    assert mail.arrived(reader, subject)


def test_reminders_come_from_the_platform_whoever_they_say_they_are_from(mail, people, send):
    """The groupware holds everybody's agendas: what it sends without a log-in shows no agent as its author."""
    reader, agent, notices = people.agent(), f"probe2@{OURS}", f"postmaster@{OURS}"
    for author in (agent, f"probe@{FOREIGN}", f'"{agent}" <{notices}>'):
        subject = token()
        answer = send("mail1", "sogo", agent, reader.mail, author, port=REMINDERS, subject=subject)
        assert answer[:2] == ["DATA", 250], answer
        arrived = email.message_from_bytes(mail.arrived(reader, subject))
        assert (arrived["From"], arrived["Return-Path"]) == (notices, f"<{notices}>")
    step, code, text = send("mail1", "sogo", agent, f"probe@{FOREIGN}", agent, port=REMINDERS)
    assert (step, code) == ("RCPT", 554), text


def test_a_service_writes_under_the_names_it_needs(people, send):
    reader, agent = people.agent(), f"probe2@{OURS}"
    step, code, text = send("mail1", "accountd", "", reader.mail, agent, port=NOTICES)
    assert (step, code) == ("DATA", 554), text
    assert "Sender refused" in text
    step, code, text = send("mail1", "accountd", agent, reader.mail, f"postmaster@{OURS}", port=NOTICES)
    assert (step, code) == ("RCPT", 554), text
    # Mail that a filter redirects keeps its author, and leaves in an agent's name, or in nobody's.
    for sender in (agent, ""):
        assert send("mail1", "vmail", sender, reader.mail, f"probe@{FOREIGN}", port=SIEVE)[:2] == ["DATA", 250]
    step, code, text = send("mail1", "vmail", f"probe@{FOREIGN}", reader.mail, agent, port=SIEVE)
    assert (step, code) == ("RCPT", 554), text
    # Nor does a filter name the inner addresses.
    for recipient in (f"{reader.uid}@stores.invalid", "x@lists.stores.invalid", "x@submitted.lists.stores.invalid"):
        step, code, text = send("mail1", "vmail", agent, recipient, agent, port=SIEVE)
        assert (step, code) == ("RCPT", 554), text


def test_root_alone_calls_sendmail(mail, people, site):
    reader, subject = people.agent(), token()
    letter = f"From: probe2@{OURS}\nSubject: {subject}\n\nx\n"
    as_user = f"setpriv --reuid nobody --regid nogroup --clear-groups sendmail -f probe2@{OURS} {reader.mail}"
    said = site.run("mail1", f"{as_user} 2>&1 || echo refused", given=letter)
    assert "not allowed to submit mail" in said or "refused" in said, said
    site.run("mail1", f"sendmail -f root {reader.mail}", given=letter.replace(subject, f"{subject} root"))
    mail.arrived(reader, f"{subject} root")
    assert mail.count(reader, subject) == 1


@pytest.mark.parametrize("path", ["/run/dovecot/lmtp", "/var/spool/postfix/private/dovecot-lmtp"])
def test_nobody_else_delivers(site, path):
    script = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); "
        "len(sys.argv) > 1 and (os.setgroups([]), os.setgid(65534), os.setuid(65534)); "
        f's.connect("{path}"); print(s.recv(99))'
    )
    said = site.run("mail1", f"/usr/bin/python3 -c '{script}' nobody 2>&1 | tail -1")
    assert re.match("PermissionError|FileNotFoundError|ConnectionRefusedError", said), said
    if "postfix" in path:
        assert "220" in site.run("mail1", f"/usr/bin/python3 -c '{script}'")


# --- the other hosts ---


@pytest.mark.parametrize("host", ["pia1", "vault1"])
def test_a_host_sends_as_itself_and_as_its_operators_only(mail, people, send, platform, host):
    reader, own = people.agent(), f"root@{host}.{OURS}"
    operator = platform["operators"][0]
    for sender in (f"probe2@{OURS}", f"root@vault2.{OURS}", f"probe@{FOREIGN}"):
        step, code, text = send(host, "root", sender, reader.mail, own)
        assert (step, code) == ("RCPT", 554), (sender, text)
        step, code, text = send(host, "root", own, reader.mail, sender)
        assert (step, code) == ("DATA", 554), (sender, text)
        assert "Sender refused" in text
        step, code, text = send(host, "root", own, reader.mail, f'"{sender}" <{own}>')
        assert code == (554 if sender.endswith(f"@{OURS}") else 250), (sender, text)
    for sender in (own, operator, ""):
        subject = token()
        assert send(host, "root", sender, reader.mail, sender or own, subject=subject)[:2] == ["DATA", 250]
        assert mail.arrived(reader, subject)


# --- lists ---


def test_a_list_believes_who_has_logged_in(mail, people, send, site, platform):
    cli = Cli(site).out
    name, member = f"liste-{secrets.token_hex(4)}", people.agent()
    moderator = people.agent()
    words = [("--member", member.uid), ("--poster", moderator.uid), ("--moderator", moderator.uid)]
    cli("lists", "create", name, "--name", "Essai", *(word for pair in words for word in pair))
    address = f"{name}@{OURS}"
    try:
        for port, user in ((REMINDERS, "sogo"), (SIEVE, "vmail")):
            step, code, text = send("mail1", user, moderator.mail, address, moderator.mail, port=port)
            assert (step, code) == ("RCPT", 550), text
        # Past the question: root's own mail asks nobody.
        forged, letter = token(), f"From: {moderator.mail}\nTo: {address}\n\nx\n"
        site.run("mail1", f"sendmail -f {moderator.mail} {address}", given=f"Subject: {forged}\n{letter}")
        wait_for(lambda: f"refused: list={name}" in site.run("mail1", "journalctl -u malleposte-lists -n 500 -o cat"))
        subject = token()
        assert mail.submit(moderator, moderator.mail, address, compose(moderator.mail, address, subject)).accepted
        mail.arrived(member, subject)
        assert mail.count(member, forged) == 0
    finally:
        with directory(site) as bound:
            bound.delete(f"cn={name},ou=lists,{bound.suffix}")
