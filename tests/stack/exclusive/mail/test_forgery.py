"""Without the directory no logged-in agent can write under any address."""

import pytest

from tests.stack.support.mail import FOREIGN, compose, token


@pytest.fixture
def subject() -> str:
    return token()


def test_no_directory_no_authenticated_mail_but_the_rest_flows(mail, mail1, people, subject):
    sender = people.agent()
    with mail.session(sender) as session:
        mail1.check_output("systemctl stop slapd.service")
        try:
            session.mail(sender.mail)
            # Postfix's own look-up may say so before the filter: both are temporary.
            code, text = session.rcpt(f"probe@{FOREIGN}")
            if code == 250:
                code, text = session.data(compose(sender.mail, sender.mail, subject))
            assert 400 <= code <= 459, (code, text)
        finally:
            mail1.check_output("systemctl start slapd.service")
