"""Functional boxes that other programs wrote are corrected all at once."""

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import quoted


@pytest.fixture
def cli(site):
    """`malleposte accounts …` on the directory's host; what it printed."""
    return Cli(site).out


def opens(session, box, folder="INBOX"):
    """Whether a session may select a folder of a box."""
    return session.select(quoted(f"Partages/{box.uid}/{folder}"))[0] == "OK"


def test_what_other_hands_wrote_is_put_right(mail, people, cli):
    agent = people.agent()
    box = people.box(agent.uid)
    people.change(agent, mpOpens=[])
    assert not opens(mail.imap(agent), box)
    cli("box", "mirror")
    assert opens(mail.imap(agent), box)
