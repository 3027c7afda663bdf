"""« Filtrage »: what an agent chooses on the portal decides where the next message lands, by every program."""

import base64
import email
import email.policy
import io
import json
import re
import zipfile
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import entered
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

pytestmark = pytest.mark.scattered

PAGE = "/compte/filtrage"
JUNK = "Indésirables"
NOBODY = "forge.test"
"""A domain whose mail proves nothing: no signature, no host of its own, a policy that refuses nothing."""

HAND = """
import json, smtplib, sys
given = json.load(sys.stdin)
with smtplib.LMTP("/var/spool/postfix/private/dovecot-lmtp") as session:
    session.sendmail("probe@lointain.test", given["uid"] + "@stores.invalid", given["message"])
"""


class Agent:
    """An agent at the portal's page."""

    def __init__(self, site: Site, web: Web, mail: Mail, who: Any) -> None:
        self.who, self.mail, self.visitor = who, mail, entered(site, web, who)
        self.address = who.account.mail

    def choose(self, act: str, **fields: str) -> str:
        """Send a form of the page; the page that follows."""
        held = next(form["fields"] for form in self.visitor.get(PAGE).forms() if form["fields"].get("act"))
        given = {"csrf_token": held["csrf_token"], "act": act, **fields}
        return str(Page(self.visitor.follow(self.visitor.ask(PAGE, given)).text).main)

    def strict(self) -> None:
        assert "C’est fait" in self.choose("level", level="strict")

    def add(self, kind: str, sender: str) -> None:
        assert "C’est fait" in self.choose("add", list=kind, value=sender)

    def lands(self, subject: str, folder: str) -> email.message.EmailMessage:
        """The message, which lies in this folder and in no other."""
        found = self.mail.arrived(self.who.account, subject, folder, 90)
        other = "INBOX" if folder == JUNK else JUNK
        assert self.mail.count(self.who.account, subject, other) == 0
        return email.message_from_bytes(found, policy=email.policy.default)


@pytest.fixture
def agent(site: Site, web: Web, mail: Mail, person: Any) -> Any:
    """Makes agents who are logged in."""
    return lambda: Agent(site, web, mail, person())


def doubtful(sender: str, reader: Agent, subject: str) -> bytes:
    """A message that the filter doubts, for its capitals and an old date; not enough to be put off."""
    message = compose(sender, reader.address, f"{subject} GAGNEZ BEAUCOUP D'ARGENT".upper())
    old = b"Date: Mon, 02 Mar 2020 10:00:00 +0100"
    return message if sender.endswith(NOBODY) else re.sub(rb"^Date: [^\r]*", old, message, count=1, flags=re.M)


def score(message: email.message.EmailMessage) -> float:
    return float(str(message["X-Spam-Status"]).rpartition("score=")[2])


def handed(site: Site, reader: Agent, *headers: str) -> str:
    """Hand Dovecot a message with what the filter says of it, as Postfix does; the word of its subject."""
    subject = token()
    message = "\r\n".join([*headers, f"Subject: {subject}", "", "x", ""])
    given = {"uid": reader.who.uid, "message": message}
    site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND}'", given=json.dumps(given))
    return subject


def test_the_same_score_lands_by_the_level(agent: Any, site: Site) -> None:
    one, other = agent(), agent()
    one.strict()
    for status, folder in (("No, score=5.90", JUNK), ("No, score=2.99", "INBOX"), ("No, score=-7.00", "INBOX")):
        said = f"X-Spam-Status: {status}", f"From: probe@{FOREIGN}"
        one.lands(handed(site, one, *said), folder)
        other.lands(handed(site, other, *said), "INBOX")
    for reader in (one, other):
        said = "X-Spam: Yes", f"From: probe@{FOREIGN}"
        reader.lands(handed(site, reader, *said), JUNK)
    assert "C’est fait" in one.choose("level", level="normal")
    one.lands(handed(site, one, "X-Spam-Status: No, score=5.90", f"From: probe@{FOREIGN}"), "INBOX")


def test_spam_of_an_allowed_sender_lands_by_what_the_filter_verified(agent: Any, site: Site) -> None:
    reader, other, sender = agent(), agent(), f"probe@{FOREIGN}"
    reader.add("allow", sender)
    said = "X-Spam: Yes", f"From: {sender}"
    verified = f"X-Malleposte-Author: {sender}"
    reader.lands(handed(site, reader, verified, *said), "INBOX")
    other.lands(handed(site, other, verified, *said), JUNK)
    reader.lands(handed(site, reader, *said), JUNK)
    reader.lands(handed(site, reader, f"X-Malleposte-Author: autre@{FOREIGN}", *said), JUNK)


def test_a_doubtful_message_from_outside_lands_by_the_level(agent: Any, mail: Mail) -> None:
    one, other, sender = agent(), agent(), f"probe@{FOREIGN}"
    one.strict()
    for reader, folder in ((one, JUNK), (other, "INBOX")):
        subject = token()
        mail.foreign(sender, reader.address, doubtful(sender, reader, subject))
        message = reader.lands(subject.upper(), folder)
        assert 3 <= score(message) < 4 and message["X-Spam"] is None
    plain = token()
    mail.foreign(sender, one.address, compose(sender, one.address, plain))
    assert score(one.lands(plain, "INBOX")) < 3


def test_a_blocked_sender_lands_in_junk_beside_another(agent: Any, mail: Mail) -> None:
    reader = agent()
    target = reader.address
    reader.add("block", f"Probe@{FOREIGN.upper()}")
    for sender, folder in ((f"probe@{FOREIGN}", JUNK), (f"test@{FOREIGN}", "INBOX")):
        subject = token()
        mail.foreign(sender, target, compose(sender, target, subject))
        message = reader.lands(subject, folder)
        assert message["X-Spam"] is None and message["X-Malleposte-Author"] == sender
    reader.add("block", FOREIGN)
    reader.add("allow", f"test@{FOREIGN}")
    for sender, folder in ((f"autre@{FOREIGN}", JUNK), (f"test@{FOREIGN}", "INBOX")):
        subject = token()
        mail.foreign(sender, target, compose(sender, target, subject))
        reader.lands(subject, folder)
    session = mail.imap(reader.who.account)
    for folder in ("INBOX", quoted(JUNK)):
        session.select(folder)
        assert b"$Mp" not in b"".join(one for one in session.fetch("1:*", "(FLAGS)")[1] if isinstance(one, bytes))


def test_an_allowed_sender_counts_when_verified_beside_the_same_forged(agent: Any, mail: Mail) -> None:
    reader, other = agent(), agent()
    for kept in (FOREIGN, NOBODY):
        reader.add("allow", kept)
    for one in (reader, other):
        one.strict()
    for sender, folder, who in (
        (f"probe@{FOREIGN}", "INBOX", reader), (f"probe@{FOREIGN}", JUNK, other), (f"probe@{NOBODY}", JUNK, reader),
    ):  # fmt: skip
        subject = token()
        forged = f"X-Malleposte-Author: {sender}\r\nAuthentication-Results: mail.ac-exemple.test; dmarc=pass\r\n"
        mail.foreign(sender, who.address, forged.encode() + doubtful(sender, who, subject))
        message = who.lands(subject.upper(), folder)
        assert score(message) >= 3
        verified = message.get_all("X-Malleposte-Author") or []
        assert verified == ([sender] if sender.endswith(FOREIGN) else [])


def test_colleagues_are_verified_and_the_academy_is_never_blocked(agent: Any, mail: Mail) -> None:
    reader, writer = agent(), agent()
    target, sender = reader.address, writer.address
    assert "ne peuvent pas être bloqués" in reader.choose("add", list="block", value="ac-exemple.test")
    subject = token()
    assert mail.submit(writer.who.account, sender, target, compose(sender, target, subject)).accepted
    assert reader.lands(subject, "INBOX")["X-Malleposte-Author"] == sender
    reader.add("block", sender)
    subject = token()
    assert mail.submit(writer.who.account, sender, target, compose(sender, target, subject)).accepted
    reader.lands(subject, JUNK)


@pytest.mark.full
def test_it_outlives_a_class_and_is_shown_exported_and_in_the_journal(agent: Any, site: Site, mail: Mail) -> None:
    reader, cli = agent(), Cli(site)
    uid = reader.who.uid
    reader.strict()
    reader.add("block", f"probe@{FOREIGN}")
    profile = cli.json("show", uid)["profile"]
    assert cli.typed("profile", uid, {"convergence": "roundcube", "roundcube": "convergence"}[profile]).returncode == 0
    shown = cli.json("show", uid)
    assert (shown["antispam"], shown["allowed_senders"], shown["blocked_senders"]) == ("strict", 0, 1)
    subject, target = token(), reader.address
    mail.foreign(f"probe@{FOREIGN}", target, compose(f"probe@{FOREIGN}", target, subject))
    reader.lands(subject, JUNK)
    assert "senders" not in mail.sieve(reader.who.account).scripts()
    out = site.run(
        "mail1", f"malleposte accounts export {uid} --out /root/{uid}.zip; base64 /root/{uid}.zip; rm /root/{uid}.zip"
    )
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(out))) as made:
        assert f"probe@{FOREIGN}" in made.read("filtres/filtrage.json").decode()
    home = site.run("mail1", f"doveadm user -f home {uid}").strip()
    assert site.run("mail1", f"stat -c %U:%a {home}/senders.sieve").strip() == "vmail:600"
