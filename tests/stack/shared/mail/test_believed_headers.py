"""Headers that Sieve and the webmails believe: a stranger's are gone in the mailbox, however they are written."""

import email
import email.policy
import json

import pytest

from tests.stack.support.mail import FOREIGN, compose, token

SEND = """
import json, os, pwd, smtplib, sys
given = json.load(sys.stdin)
user = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
with smtplib.SMTP("127.0.0.1", 25, timeout=60) as session:
    session.ehlo("probe.lointain.test")
    session.sendmail(given["sender"], [given["recipient"]], given["message"].encode())
"""
BELIEVED = (
    "Authentication-Results",
    "X-Malleposte-Author",
    "X-Malleposte-List",
    "X-Spam",
    "X-Spam-Flag",
    "X-Spam-Status",
    "X-Virus",
)
FORGED = "faux"


@pytest.mark.parametrize("form", ["{}: ", "{} : ", "{}\t:", "{}:", "{}:\r\n "])
def test_a_strangers_words_are_not_in_the_mailbox(site, mail, people, form):
    reader, subject, sender = people.agent(), token(), f"probe@{FOREIGN}"
    lines = "".join(
        f"{form.format(written)}{site.platform['hostnames']['mail']}; {FORGED}\r\n"
        for name in BELIEVED
        for written in (name, name.upper(), name.lower())
    )
    honest = f"X-Essai: {subject}\r\n"
    message = honest + lines + compose(sender, reader.mail, subject).decode()
    given = {"sender": sender, "recipient": reader.mail, "message": message}
    site.run("mail1", "/usr/bin/python3", "-c", f"'{SEND}'", given=json.dumps(given))
    arrived = email.message_from_bytes(mail.arrived(reader, subject), policy=email.policy.compat32)
    assert arrived["X-Essai"].strip() == subject
    believed = {name.lower() for name in BELIEVED}
    assert [name for name, value in arrived.items() if name.strip().lower() in believed and FORGED in value] == []
