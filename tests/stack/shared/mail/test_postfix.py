"""Postfix at its ports, its outgoing TLS, and the check before its files are replaced."""

import json
import re
import smtplib
import ssl

import pytest

from tests.stack.support.mail import FOREIGN, compose, token, wait_for

pytestmark = pytest.mark.scattered

TRAPS = ("dane-bad.test", "sts-bad.test")


@pytest.fixture
def subject():
    """A subject of this test alone."""
    return token()


@pytest.fixture
def submit_to(mail, subject):
    """Submit one message of probe1 to an address."""

    def send(recipient):
        sender = mail.account("probe1")
        answer = mail.submit(sender, sender.mail, recipient, compose(sender.mail, recipient, subject))
        assert answer.accepted, answer

    return send


def queue(site, host="mail1"):
    """Messages that wait: queue id to (recipient, reason) pairs."""
    entries = [json.loads(line) for line in site.run(host, "postqueue", "-j").splitlines()]
    return {
        entry["queue_id"]: [(rcpt["address"], rcpt.get("delay_reason", "")) for rcpt in entry["recipients"]]
        for entry in entries
    }


def in_world(site, domain, text):
    """The message that holds `text` in the mailbox probe of an outside domain, or nothing."""
    root = f"/srv/world-mail/{domain}/probe/Maildir"
    return site.run("world", f"grep -rlF -- {text} {root} 2>/dev/null | head -1 | xargs -r cat", check=False)


# --- outgoing TLS ---


@pytest.mark.parametrize("domain", ["dane.test", "sts.test"])
def test_a_destination_with_a_right_policy_is_reached_and_verified(site, submit_to, subject, domain):
    submit_to(f"probe+{subject}@{domain}")
    assert wait_for(lambda: in_world(site, domain, subject), 120)
    search = f"journalctl -q -o cat -u postfix | grep 'Verified TLS connection .* mx.{domain}' | tail -1"
    line = wait_for(lambda: site.run("mail1", search, check=False))
    assert "TLSv1" in line


@pytest.mark.parametrize("domain", TRAPS)
def test_a_destination_with_a_failing_policy_waits(site, submit_to, subject, domain):
    recipient = f"probe+{subject}@{domain}"
    submit_to(recipient)

    def waiting():
        return [
            (number, reason)
            for number, recipients in queue(site).items()
            for address, reason in recipients
            if address == recipient and reason
        ]

    [(number, reason)] = wait_for(waiting, 120, f"{recipient} put off")
    try:
        assert "not verified" in reason
        assert not in_world(site, domain, subject)
    finally:
        site.run("mail1", "postsuper", "-d", number)


@pytest.mark.parametrize(
    ("domain", "policy"),
    [
        ("dane.test", r"dane-only"),
        ("dane-bad.test", r"dane-only"),
        ("sts.test", r"secure match=mx\.sts\.test\b.*"),
        ("sts-bad.test", r"secure match=mx\.ailleurs\.test\b.*"),
        (FOREIGN, r""),
    ],
)
def test_dane_stands_before_mta_sts(site, domain, policy):
    table = "$(postconf -xh smtp_tls_policy_maps | grep -o 'socketmap:[^, ]*')"
    answer = site.run("mail1", f"postmap -q {domain} {table}", check=False)
    assert re.fullmatch(policy, answer.strip())


# --- the ports ---


@pytest.fixture
def ehlo(site, plan):
    """Return the extensions of a port of the mail host before and after STARTTLS."""

    def ask(port):
        context = ssl.create_default_context(cafile=plan.cafile)
        context.check_hostname = False
        with smtplib.SMTP(site.address("mail1"), port, local_hostname="probe.lointain.test", timeout=60) as session:
            session.ehlo()
            before = dict(session.esmtp_features)
            session.starttls(context=context)
            session.ehlo()
            return before, dict(session.esmtp_features)

    return ask


def test_passwords_are_asked_for_on_submission_under_tls_only(ehlo):
    before, after = ehlo(587)
    assert "auth" not in before
    assert "auth" in after
    assert not any("auth" in features for features in ehlo(25))


def test_submission_without_a_password_is_refused(site, plan):
    context = ssl.create_default_context(cafile=plan.cafile)
    context.check_hostname = False
    with smtplib.SMTP(site.address("mail1"), 587, timeout=60) as session:
        session.starttls(context=context)
        session.ehlo()
        session.mail("probe1@ac-exemple.test")
        code, text = session.rcpt("probe2@ac-exemple.test")
    assert code == 554, text


@pytest.mark.parametrize("recipient", ["x@relais.test", "x%relais.test@ac-exemple.test", "probe1@stores.invalid"])
def test_a_stranger_reaches_nobody_but_our_addresses(mail, recipient, subject):
    sender = f"probe@{FOREIGN}"
    answer = mail.stranger(sender, recipient, compose(sender, recipient, subject))
    assert answer.step == "RCPT"
    assert answer.code in (550, 554), answer


def test_the_agents_address_and_program_stay_out_of_the_headers(mail, site, subject):
    sender = mail.account("probe1")
    recipient = f"probe@{FOREIGN}"
    headers = {"X_Originating_IP": "[192.0.2.77]", "User_Agent": "Courriel 1.0"}
    assert mail.submit(sender, sender.mail, recipient, compose(sender.mail, recipient, subject, **headers)).accepted
    received = mail.at_foreign("probe", subject)
    assert b"ESMTPSA" in received
    for told in ("192.0.2.77", "Courriel 1.0", str(site.lab.settings.gateway)):
        assert not re.search(rb"\b%s\b" % re.escape(told).encode(), received)


# --- the other hosts ---


@pytest.mark.parametrize("name", ["pia1", "vault1", "vault2"])
def test_a_host_forwards_roots_mail_over_verified_tls(site, name, subject):
    site.run(name, f"printf 'Subject: {subject}\\n\\nx\\n' | sendmail root")
    found = wait_for(
        lambda: site.run(
            name, "journalctl -q -o cat -u postfix | grep -E 'orig_to=<root>.*status=sent' | tail -1", check=False
        )
    )
    assert ":25" in found
    assert "Verified TLS connection" in site.run(name, "journalctl", "-q", "-o", "cat", "-u", "postfix")
    listening = site.run(name, "ss", "-Hltn", "sport", "=", ":25")
    assert not re.search(r"(0\.0\.0\.0|\*|\[::\]):25\b", listening)


# --- before a file is replaced ---


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mesage_size_limit = 5", "did you mean message_size_limit?"),
        pytest.param("qmgr_message_active_limit = beaucoup", "expected a whole number", marks=pytest.mark.full),
        pytest.param("smtpd_timeout = bientot", "expected a time", marks=pytest.mark.full),
        pytest.param("virtual_alias_maps = annuaire:/x", "unknown map type in annuaire:/x", marks=pytest.mark.full),
        ("virtual_alias_maps = texthash:/absent", "/absent: no such file"),
        pytest.param(
            "smtpd_recipient_restrictions = reject_unauth_destinations",
            "did you mean reject_unauth_destination?",
            marks=pytest.mark.full,
        ),
        ("smtpd_tls_chain_files = /absent.key, /absent.pem", "smtpd_tls_chain_files"),
        pytest.param("inet_interfaces = nulle-part.invalid", "smtpd refuses to start", marks=pytest.mark.full),
    ],
)
def test_a_mistake_is_found_on_a_copy(site, line, reason):
    name = line.split()[0]
    script = f"""
set -eu
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -a /etc/postfix/. "$copy"
postconf -c "$copy" -X {name} 2>/dev/null || true
echo '{line}' >>"$copy/main.cf"
malleposte run postfix-check "$copy" 2>&1 && echo accepted || true
"""
    said = site.run("mail1", "sh", "-s", given=script)
    assert reason in said
    assert "accepted" not in said


def test_the_running_configuration_passes_its_own_check(site):
    assert site.run("mail1", "malleposte", "run", "postfix-check", "/etc/postfix") == ""
