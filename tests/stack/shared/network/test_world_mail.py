"""The behaviour of the lab's foreign mail server on which the other tests rely."""

import re

import pytest

from tests.stack.support.mail import FOREIGN, compose, token, wait_for


def read(site, domain, text):
    root = f"/srv/world-mail/{domain}/test/Maildir"
    return site.run("world", f"grep -rlF -- {text} {root} 2>/dev/null | head -1 | xargs -r cat", check=False)


@pytest.mark.parametrize(
    "domain",
    [FOREIGN, "sts.test", "sts-bad.test", "dane.test", "dane-bad.test", "forge.test", "strict.test"],
)
def test_each_domain_has_mailboxes(mail, site, domain):
    subject, recipient = token(), f"test@{domain}"
    mail.foreign(f"probe@{FOREIGN}", recipient, compose(f"probe@{FOREIGN}", recipient, subject))
    assert wait_for(lambda: read(site, domain, subject))


def test_it_signs_its_own_domain_alone(mail, site):
    for sender, signed in ((f"probe@{FOREIGN}", True), ("probe@forge.test", False)):
        subject, recipient = token(), f"test@{FOREIGN}"
        mail.foreign(sender, recipient, compose(sender, recipient, subject))
        assert ("DKIM-Signature:" in wait_for(lambda subject=subject: read(site, FOREIGN, subject))) is signed


def test_it_verifies_what_comes_in(mail):
    sender, subject = mail.account("probe1"), token()
    recipient = f"probe@{FOREIGN}"
    assert mail.submit(sender, sender.mail, recipient, compose(sender.mail, recipient, subject)).accepted
    received = mail.at_foreign("probe", subject)
    assert re.search(rb"^Authentication-Results: mx\.lointain\.test;[^\n]*(\n[ \t][^\n]*)*dkim=pass", received, re.M)


def test_it_refuses_an_unknown_mailbox(site):
    script = """
import smtplib
with smtplib.SMTP("127.0.0.1", 25, timeout=60) as session:
    session.ehlo()
    session.mail("probe@lointain.test")
    print(session.rcpt("inconnu@lointain.test")[0])
"""
    assert site.run("world", "/usr/bin/python3", "-", given=script).strip() == "550"


@pytest.mark.parametrize(
    ("domain", "pattern"),
    [("sts.test", "mx.sts.test"), ("sts-bad.test", "mx.ailleurs.test"), ("dane-bad.test", "mx.dane-bad.test")],
)
def test_it_serves_its_policies(site, domain, pattern):
    script = f"""
import urllib.request
with urllib.request.urlopen("https://mta-sts.{domain}/.well-known/mta-sts.txt", timeout=60) as answer:
    print(answer.headers.get_content_type())
    print(answer.read().decode())
"""
    kind, *policy = site.run("mail1", "/usr/bin/python3", "-", given=script).split("\n")
    assert kind == "text/plain"
    lines = [line.strip() for line in policy if line.strip()]
    assert lines == ["version: STSv1", "mode: enforce", f"mx: {pattern}", "max_age: 86400"]
