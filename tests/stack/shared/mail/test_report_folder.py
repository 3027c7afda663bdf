"""A suspect message that an agent moves to a folder, with any mail program, goes whole to the DSI."""

import email
import email.policy
from typing import Any

import pytest

from tests.stack.support.mail import Mail, compose, many_parts, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered
FOLDER = "Indésirables/Signaler à la DSI"


def reports(site: Site, account: Account) -> str:
    """The agent's reports in the DSI's box."""
    ask = f"doveadm fetch -u dsi text mailbox '*' HEADER FROM {account.mail} HEADER X-Malleposte-Report yes"
    return site.run("mail1", ask, check=False)


def moved(mail: Mail, account: Account, word: str) -> str:
    """The agent moves the message from the inbox. Its flags in the folder."""
    session = mail.imap(account)
    session.select("INBOX")
    uid = session.uid("SEARCH", "SUBJECT", word)[1][0].decode()
    assert session.uid("MOVE", uid, quoted(FOLDER))[0] == "OK"
    assert mail.count(account, word) == 0
    session.select(quoted(FOLDER), readonly=True)
    (flags,) = session.fetch("1:*", "(FLAGS)")[1]
    return flags.decode()


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_it_goes_whole_and_shows_as_forwarded(people: People, mail: Mail, site: Site, profile: str) -> None:
    account, word = people.agent(profile=profile), token()
    mail.foreign("voisin@lointain.test", account.mail, compose("voisin@lointain.test", account.mail, f"Gain {word}"))
    mail.arrived(account, word)
    assert "\\Seen" in (flags := moved(mail, account, word)) and "$Forwarded" in flags
    assert mail.count(account, word, FOLDER) == 1
    held: Any = wait_for(lambda: reports(site, account), 90)
    report = email.message_from_string(held.partition("\n")[2], policy=email.policy.default)
    original = next(part for part in report.walk() if part.get_content_type() == "message/rfc822").get_content()
    assert original["Subject"] == f"Gain {word}"
    assert original["DKIM-Signature"] and original["Authentication-Results"]


def test_one_whose_report_is_refused_shows_as_not_forwarded(people: People, mail: Mail, site: Site) -> None:
    account, word = people.agent(), token()
    many = many_parts("voisin@lointain.test", account.mail, word, 1500)
    session = mail.imap(account)
    assert session.append("INBOX", None, None, many)[0] == "OK"
    assert "$Forwarded" not in (flags := moved(mail, account, word)) and "\\Seen" not in flags
    assert mail.count(account, word, FOLDER) == 1
    assert reports(site, account) == ""
