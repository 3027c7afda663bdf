"""Every channel of an agent, by protocol from outside, where mail, web, directory and databases are apart."""

import imaplib
import smtplib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.stack.support.dav import Device, first, put_event, summaries
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN, Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail


def wrong(who: Account) -> Account:
    """The same account with a password that is not its own."""
    return replace(who, password=f"Faux-{token()}")


def test_imap_and_submission_prove_a_password_in_the_directory_of_another_host(mail: Mail, people: People) -> None:
    who = people.agent()
    assert mail.imap(who).select("INBOX")[0] == "OK"
    with mail.session(who) as session:
        assert session.noop()[0] == 250
    with pytest.raises(imaplib.IMAP4.error):
        mail.imap(wrong(who))
    with pytest.raises(smtplib.SMTPAuthenticationError), mail.session(wrong(who)):
        pass


def test_roundcube_reads_and_sends(webmail: Callable[[], Webmail], mail: Mail, people: People) -> None:
    who, other = people.agent(), people.agent()
    assert not webmail().login(who.uid, wrong(who).password)
    visitor, subject = webmail(), token()
    assert visitor.login(who.uid, who.password)
    visitor.send(other.mail, subject, "Bonjour.")
    assert mail.arrived(other, subject)
    reader = webmail()
    assert reader.login(other.uid, other.password)
    assert subject in reader.list()


def test_sogo_reads_and_sends(groupware: Callable[[Account], Groupware], mail: Mail, people: People) -> None:
    who, other = people.agent(profile="convergence"), people.agent(profile="convergence")
    assert not groupware(wrong(who)).enters()
    subject = token()
    answer = groupware(who).login().send(to=[other.mail], subject=subject, text="Bonjour.")
    assert answer.status == 200, answer.text
    assert mail.arrived(other, subject)
    assert subject in [row["Subject"] for row in groupware(other).login().listed()]


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_a_device_keeps_its_agenda(device: Callable[[Account], Device], people: People, profile: str) -> None:
    who = people.agent(profile=profile)
    here, name = device(who), token()
    assert device(wrong(who)).ask("PROPFIND", "/", Depth="0").status == 401
    _, agendas, _ = here.discover()
    put_event(here, first(agendas), name, name)
    assert name in summaries(here, first(agendas))


def test_mail_goes_in_and_out(mail: Mail, people: People) -> None:
    who = people.agent()
    abroad, back = token(), token()
    stranger = f"probe@{FOREIGN}"
    assert mail.submit(who, who.mail, stranger, compose(who.mail, stranger, abroad)).accepted
    assert mail.at_foreign("probe", abroad)
    mail.foreign(stranger, who.mail, compose(stranger, who.mail, back))
    assert mail.arrived(who, back, timeout=180)


def test_a_reminder_leaves_by_the_tunnel_and_by_nothing_else(site: Site, mail: Mail, people: People) -> None:
    """SOGo's own way: for its user alone, and as an address of the platform."""
    who, subject = people.agent(), token()
    sender = f"agenda@{site.place.domain}"

    def send(user: str) -> str:
        words = f"setpriv --reuid {user} --clear-groups /usr/bin/python3 - {sender} {who.mail} {subject}"
        return site.run("web1", words, given=SEND, check=False)

    assert send("sogo") == "sent\n"
    assert mail.arrived(who, subject)
    assert send("www-data") == "refused\n"


SEND = """
import smtplib, sys
sender, recipient, subject = sys.argv[1:]
message = "\\r\\n".join([f"From: {sender}", f"To: {recipient}", f"Subject: {subject}", "", "Rappel."])
try:
    with smtplib.SMTP("127.0.0.1", 10029, timeout=20) as session:
        session.sendmail(sender, [recipient], message)
    print("sent")
except ConnectionError:
    print("refused")
"""
