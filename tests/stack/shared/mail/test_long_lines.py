"""A line of five thousand octets arrives as it was sent, and its signature holds, inside and outside."""

import pytest
from malleposte.probe.walker.dkim import verify

from tests.stack.support.mail import FOREIGN, compose, token

LINE = b"https://exemple.test/?jeton=" + b"0123456789abcdef" * 311  # 5,004 octets


@pytest.fixture
def lookup(site):
    def ask(name):
        answer = site.run("world", f"kdig +short @127.0.0.1 TXT {name}")
        return ["".join(line.split('"')[1::2]) for line in answer.splitlines() if '"' in line]

    return ask


def long_letter(sender, recipient, subject):
    head, _blank, _body = compose(sender, recipient, subject).partition(b"\r\n\r\n")
    return head.replace(b"quoted-printable", b"7bit") + b"\r\n\r\nav\r\n" + LINE + b"\r\nap\r\n"


@pytest.mark.parametrize("outside", [False, True])
def test_a_long_line_arrives_byte_for_byte(mail, people, lookup, outside):
    sender, subject = people.agent(), token()
    recipient = f"probe@{FOREIGN}" if outside else people.agent()
    to = recipient if outside else recipient.mail
    assert mail.submit(sender, sender.mail, to, long_letter(sender.mail, to, subject)).accepted
    got = mail.at_foreign("probe", subject) if outside else mail.arrived(recipient, subject)
    assert LINE in got.replace(b"\r\n", b"\n").split(b"\n")
    verify(got if b"\r\n" in got else got.replace(b"\n", b"\r\n"), sender.mail.rpartition("@")[2], lookup)
