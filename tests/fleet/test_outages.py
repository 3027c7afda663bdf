"""One host away: what was accepted is kept, the others go on, and all of it comes back by itself."""

import imaplib
import smtplib
import time
from collections.abc import Callable

from tests.fleet.conftest import without
from tests.stack.support.dav import Device, answering, first, put_event, summaries
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN, Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

BACK = 180
"""Seconds in which what waited must have come."""


def enters(visitor: Webmail, who: Account) -> bool:
    """Whether Roundcube lets an agent in; also where it has no answer to give."""
    try:
        return visitor.login(who.uid, who.password)
    except (AssertionError, OSError):
        return False


def connects(visitor: Groupware) -> bool:
    """Whether SOGo lets an agent in and lists the mail."""
    try:
        visitor.login().listed()
    except (AssertionError, OSError):
        return False
    return True


def logs_in(mail: Mail, who: Account) -> bool:
    """Whether IMAP lets an agent in now."""
    try:
        return bool(mail.imap(who))
    except (imaplib.IMAP4.error, OSError):
        return False


def comes(site: Site, mail: Mail, who: Account, word: str) -> bytes:
    """Wait for a message that may have been put off. Servers try again after minutes; here they are told to.

    Dovecot 2.4.1's auth may crash while the directory is away; each process that asked it, of LMTP and of the quota's
    answers, then puts one message off.
    """
    end = time.monotonic() + BACK
    while True:
        for host in ("world", "mail1"):
            site.run(host, "postqueue -f")
        try:
            return mail.arrived(who, word, timeout=15)
        except AssertionError:
            if time.monotonic() > end:
                raise


def taken(mail: Mail, sender: Account, reader: Account, word: str) -> bool:
    """Whether a submission is accepted, or only put off; AssertionError where it is refused for good."""
    answer = mail.submit(sender, sender.mail, reader.mail, compose(sender.mail, reader.mail, word))
    assert answer.accepted or 400 <= answer.code < 500, answer
    return answer.accepted


def test_the_databases_away(
    site: Site,
    mail: Mail,
    people: People,
    webmail: Callable[[], Webmail],
    groupware: Callable[[Account], Groupware],
    device: Callable[[Account], Device],
) -> None:
    """Mail and the agendas of Radicale go on; the webmails do not, and come back."""
    who, other = people.agent(), people.agent(profile="convergence")
    here = device(who)
    agenda = first(here.discover()[1])
    assert enters(webmail(), who)
    assert connects(groupware(other))
    with without(site, "db1"):
        within, back, name = token(), token(), token()
        assert mail.submit(who, who.mail, other.mail, compose(who.mail, other.mail, within)).accepted
        assert comes(site, mail, other, within)
        mail.foreign(f"probe@{FOREIGN}", who.mail, compose(f"probe@{FOREIGN}", who.mail, back))
        assert comes(site, mail, who, back)
        put_event(here, agenda, name, name)
        assert not enters(webmail(), who)
    wait_for(lambda: enters(webmail(), who), BACK, "Roundcube lets nobody in")
    wait_for(lambda: connects(groupware(other)), BACK, "SOGo lets nobody in")
    assert name in summaries(here, agenda)


def test_the_directory_away(
    site: Site,
    mail: Mail,
    people: People,
    web: Web,
    webmail: Callable[[], Webmail],
    groupware: Callable[[Account], Groupware],
    device: Callable[[Account], Device],
) -> None:
    """Known agents read on; mail from afar waits where it is, and comes; a submission is taken, or must wait."""
    known, unknown, other = people.agent(), people.agent(), people.agent(profile="convergence")
    stranger = f"probe@{FOREIGN}"
    before = token()
    assert mail.submit(known, known.mail, other.mail, compose(known.mail, other.mail, before)).accepted
    assert comes(site, mail, other, before)
    assert logs_in(mail, known)
    with without(site, "dir1"):
        assert logs_in(mail, known), "Dovecot's cache"
        assert not logs_in(mail, unknown), "nobody can prove who this is"
        waiting, mine = token(), token()
        mail.foreign(stranger, known.mail, compose(stranger, known.mail, waiting))
        try:
            accepted = mail.submit(known, known.mail, other.mail, compose(known.mail, other.mail, mine)).accepted
        except (smtplib.SMTPException, OSError):
            accepted = False
        assert web.get(site.address("pia1"), site.platform["hostnames"]["portal"]).status == 200
    wait_for(lambda: logs_in(mail, unknown), BACK, "no log-in after the directory is back")
    assert comes(site, mail, known, waiting)
    if not accepted:
        wait_for(lambda: taken(mail, known, other, mine), BACK, "submission still says to wait")
    assert comes(site, mail, other, mine)
    assert mail.count(known, waiting) == 1
    assert mail.count(other, mine) == 1
    wait_for(lambda: enters(webmail(), unknown), BACK, "Roundcube lets nobody in")
    wait_for(lambda: connects(groupware(other)), BACK, "SOGo lets nobody in")
    answering(device(unknown), seconds=BACK)
    assert device(unknown).discover()


def test_the_mail_host_away(
    site: Site, mail: Mail, people: People, webmail: Callable[[], Webmail], device: Callable[[Account], Device]
) -> None:
    """No device is told that its password is wrong; mail from afar waits and comes; the tunnels stand again."""
    who = people.agent()
    here = device(who)
    agenda = first(here.discover()[1])
    stranger, waiting, name = f"probe@{FOREIGN}", token(), token()
    with without(site, "mail1"):
        assert here.ask("PROPFIND", "/", Depth="0").status == 503
        mail.foreign(stranger, who.mail, compose(stranger, who.mail, waiting))
    answering(here, seconds=BACK)
    put_event(here, agenda, name, name)
    assert name in summaries(here, agenda)
    wait_for(lambda: logs_in(mail, who), BACK, "no log-in after the mail host is back")
    assert comes(site, mail, who, waiting)
    wait_for(lambda: enters(webmail(), who), BACK, "Roundcube lets nobody in")
    subject = token()
    assert mail.submit(who, who.mail, who.mail, compose(who.mail, who.mail, subject)).accepted
    assert comes(site, mail, who, subject)


def test_the_web_away(site: Site, mail: Mail, people: People, device: Callable[[Account], Device]) -> None:
    """Mail programs do not notice."""
    who, other = people.agent(), people.agent()
    with without(site, "web1"):
        subject = token()
        assert mail.submit(who, who.mail, other.mail, compose(who.mail, other.mail, subject)).accepted
        assert comes(site, mail, other, subject)
    answering(device(who), seconds=BACK)
    assert device(who).discover()
