"""The hours of an agent: mail waits outside them, and comes in time, once and in order; who comes through."""

import datetime
import email
import email.policy
import imaplib
import json
import select
import time
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.hours import AgentHours, SetHours, ShowHours
from malleposte.platform.letters import ALERT
from malleposte.platform.mailstore import WAITING

from tests.stack.shared.mail.test_quarantine import subjects
from tests.stack.shared.mail.test_senders import HAND
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

AUTHOR, LIST = "X-Malleposte-Author", "X-Malleposte-List"
FRIEND, STRANGER = f"ami@{FOREIGN}", f"inconnu@{FOREIGN}"
TICK = 5.0
"""Seconds between two looks of the mover."""


class Hours:
    """An agent whose hours accountd changes, as the portal asks it."""

    def __init__(self, site: Site, portal: Portal, account: Account) -> None:
        self.site, self.portal, self.account = site, portal, account

    def set(self, **parts: Any) -> AgentHours:
        answer = self.portal.one(
            SetHours(self.portal.source, self.account.uid, self.portal.token(self.account.uid), **parts)
        )
        assert isinstance(answer, AgentHours), answer
        return answer

    def close(self, **parts: Any) -> AgentHours:
        """Have a slot that does not hold now."""
        hour = (int(self.site.run("mail1", "date +%H")) + 12) % 24
        answer = self.set(on=True, slots=(f"1234567 {hour:02d}:00-{hour:02d}:30",), **parts)
        assert not answer.opens and answer.following
        return answer

    def show(self) -> AgentHours:
        answer = self.portal.one(ShowHours(self.portal.source, self.account.uid, self.portal.token(self.account.uid)))
        assert isinstance(answer, AgentHours), answer
        return answer

    def hand(self, *headers: str) -> str:
        """Hand Dovecot a message with what the filter says of it, as Postfix does; the word of its subject."""
        word = token()
        message = "\r\n".join([*headers, f"Subject: {word}", "", "x", ""])
        given = json.dumps({"uid": self.account.uid, "message": message})
        self.site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND}'", given=given)
        return word

    def lies(self, word: str) -> list[str]:
        """The folders in which a message lies, of those that matter here."""
        return [
            one
            for one in ("INBOX", WAITING, "Projets")
            for each in subjects(self.site, self.account, one)
            if each == word
        ]


@pytest.fixture
def hours(site: Site, people: People) -> Callable[[], Hours]:
    return lambda: Hours(site, Portal(site), people.agent())


def idle(session: imaplib.IMAP4) -> None:
    """Wait in the inbox for what the server tells, as a phone does."""
    session.select("INBOX")
    session.send(b"x1 IDLE\r\n")
    while not session.readline().startswith(b"+"):
        pass


def told(session: imaplib.IMAP4, seconds: float) -> bool:
    """Whether the server tells of messages within a time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        # TLS has what was read from the socket already. Lines that come together are read together.
        ready = session.sock.pending() or select.select([session.sock], [], [], left)[0]  # type: ignore[attr-defined]
        lines = session.sock.recv(65536) if ready else b""
        if b"EXISTS" in lines:
            return True
        assert lines or not ready, "the session was ended"
    return False


def test_mail_waits_outside_the_hours_and_comes_when_they_end(hours: Any, site: Site, mail: Mail) -> None:
    agent, other = hours(), hours()
    agent.close()
    phone = mail.imap(agent.account)
    idle(phone)
    words = [agent.hand(f"From: {STRANGER}") for _ in range(3)]
    direct = other.hand(f"From: {STRANGER}")
    assert subjects(site, other.account, "INBOX") == [direct]
    assert subjects(site, agent.account, WAITING) == words and subjects(site, agent.account, "INBOX") == []
    assert not told(phone, TICK + 2), "the phone rang"
    reader = mail.imap(agent.account)
    assert quoted(WAITING).encode() in b"".join(reader.lsub()[1]), "no program shows the folder"
    reader.select(quoted(WAITING))
    reader.store("2", "+FLAGS", "(\\Seen Dossier)")
    dates = [reader.fetch(str(number), "(INTERNALDATE)")[1][0].partition(b"(")[2] for number in (1, 2, 3)]
    reader.close()
    state = agent.set(on=False)
    assert state.opens and state.slots
    assert told(phone, 60), "the phone heard nothing"
    wait_for(lambda: agent.show().waiting == 0, what="the folder is empty")
    assert subjects(site, agent.account, "INBOX") == words
    reader.select("INBOX")
    flags = [reader.fetch(str(number), "(FLAGS)")[1][0] for number in (1, 2, 3)]
    assert [b"\\Seen" in one and b"Dossier" in one for one in flags] == [False, True, False]
    assert [reader.fetch(str(n), "(INTERNALDATE)")[1][0].partition(b"(")[2] for n in (1, 2, 3)] == dates
    assert subjects(site, agent.account, ".EXPUNGED/mail/*") == []
    rows = json.loads(site.run("mail1", f"doveadm -f json quota get -u {agent.account.uid}"))
    assert [row["value"] for row in rows if row["type"] == "MESSAGE"] == ["3"], "the quota has lost them"


def test_only_whom_the_filter_verified_comes_through(hours: Any) -> None:
    agent = hours()
    agent.close(add=(FRIEND, "lycee.test"))
    place = agent.site.platform
    platform, desk = f"postmaster@{place['domain']}", place["support"]["mail"]
    through = [
        agent.hand(f"{AUTHOR}: {author}", f"From: {author}", *more)
        for author, *more in ((FRIEND,), ("proviseur@lycee.test",), (desk,), (platform, f"{ALERT}: yes"))
    ]
    waits = [
        agent.hand(f"From: {FRIEND}", "Importance: high", "X-Priority: 1"),
        agent.hand(f"{AUTHOR}: {STRANGER}", f"From: {FRIEND}"),
        agent.hand(f"{AUTHOR}: x@pas-lycee.test", "From: x@lycee.test"),
        agent.hand(f"From: {platform}", f"{ALERT}: yes"),
        agent.hand(f"{AUTHOR}: {platform}", f"From: {platform}"),
    ]
    assert [agent.lies(word) for word in through] == [["INBOX"]] * len(through)
    assert [agent.lies(word) for word in waits] == [[WAITING]] * len(waits)


FILTER = """require ["fileinto", "copy", "mailbox"];
if header :contains "x-case" "copy" { fileinto :create :copy "Projets"; }
elsif header :contains "x-case" "file" { fileinto :create "Projets"; }
elsif header :contains "x-case" "keep" { keep; }
elsif header :contains "x-case" "stop" { stop; }
elsif header :contains "x-case" "both" { fileinto :create "Projets"; keep; }
elsif header :contains "x-case" "none" { discard; }
"""


def test_what_an_agent_s_own_filter_files_stays_there(hours: Any, mail: Mail) -> None:
    agent, other = hours(), hours()
    for one, inbox in ((agent, WAITING), (other, "INBOX")):
        mail.set_filter(one.account, "essai", FILTER)
        if one is agent:
            agent.close()
        for case, folders in (
            ("copy", [inbox, "Projets"]), ("file", ["Projets"]), ("keep", [inbox]), ("stop", [inbox]),
            ("both", [inbox, "Projets"]), ("none", []), ("else", [inbox]),
        ):  # fmt: skip
            assert one.lies(one.hand(f"From: {STRANGER}", f"X-Case: {case}")) == folders, case


def test_do_not_disturb_holds_without_slots_and_ends_with_one_act(hours: Any, site: Site) -> None:
    agent = hours()
    now = datetime.datetime.fromisoformat(site.run("mail1", "date +%Y-%m-%dT%H:%M").strip())
    until = (now + datetime.timedelta(hours=2)).isoformat(timespec="minutes")
    state = agent.set(quiet_until=until)
    assert (state.opens, state.following, state.on) == (False, until, False)
    word = agent.hand(f"From: {STRANGER}")
    assert agent.lies(word) == [WAITING]
    agent.set(quiet_until="")
    wait_for(lambda: agent.lies(word) == ["INBOX"], what="what waited is in the inbox")
    assert agent.lies(agent.hand(f"From: {STRANGER}")) == ["INBOX"]


def test_a_letter_of_the_platform_comes_and_one_like_it_from_outside_waits(hours: Any, site: Site, mail: Mail) -> None:
    agent, platform = hours(), f"postmaster@{site.platform['domain']}"
    agent.close()
    words = {kind: token() for kind in ("code", "note", "forged")}
    send = (
        "import smtplib, sys\n"
        "with smtplib.SMTP('127.0.0.1', 10028) as session:\n"
        f"    session.sendmail('', ['{agent.account.mail}'], sys.stdin.buffer.read())\n"
    )
    for kind, more in (("code", {"X_Malleposte_Alert": "yes"}), ("note", {})):
        letter = compose(platform, agent.account.mail, words[kind], "Votre code.", **more).decode()
        site.run("mail1", "setpriv", "--reuid", "dovenull", "--regid", "dovenull", "--clear-groups",
                 "/usr/bin/python3", "-c", f'"{send}"', given=letter)  # fmt: skip
    forged = compose(
        FRIEND, agent.account.mail, words["forged"], X_Malleposte_Alert="yes", X_Malleposte_Author=platform
    )
    mail.foreign(FRIEND, agent.account.mail, forged)
    mail.arrived(agent.account, words["code"])
    for kind in ("note", "forged"):
        mail.arrived(agent.account, words[kind], WAITING)
    assert [agent.lies(words[kind]) for kind in words] == [["INBOX"], [WAITING], [WAITING]]


def test_an_operator_sees_the_hours_and_turns_them_off(hours: Any, site: Site) -> None:
    agent = hours()
    agent.close(add=(FRIEND,))
    word = agent.hand(f"From: {STRANGER}")
    shown = json.loads(site.run("mail1", f"malleposte accounts hours {agent.account.uid} --json"))
    assert (shown["waiting"], shown["opens"], shown["hours"]["senders"]) == (1, False, [FRIEND])
    said = site.run("mail1", f"malleposte accounts hours {agent.account.uid} --off --reason essai")
    assert "hours are off" in said
    wait_for(lambda: agent.lies(word) == ["INBOX"], what="what waited is in the inbox")
    assert agent.show().slots, "the choice stays"


@pytest.mark.full
def test_mail_comes_at_the_opening(hours: Any, site: Site, mail: Mail) -> None:
    agent = hours()
    agent.close()
    phone = mail.imap(agent.account)
    idle(phone)
    words = [agent.hand(f"From: {STRANGER}") for _ in range(3)]
    soon = datetime.datetime.fromisoformat(site.run("mail1", "date -d '+2 minutes' +%Y-%m-%dT%H:%M").strip())
    if soon.hour == 23 and soon.minute > 57:
        pytest.skip("a slot of that minute would end the next day")
    agent.set(slots=(f"1234567 {soon:%H:%M}-23:59",))
    assert not told(phone, 5)
    assert told(phone, 240), "the phone heard nothing"
    now = datetime.datetime.fromisoformat(site.run("mail1", "date +%Y-%m-%dT%H:%M").strip())
    assert now >= soon
    wait_for(lambda: subjects(site, agent.account, "INBOX") == words, what="all of it, in order")
    assert agent.lies(agent.hand(f"From: {STRANGER}")) == ["INBOX"]


HAND_FROM = """
import json, os, smtplib, sys
given = json.load(sys.stdin)
with smtplib.LMTP("/var/spool/postfix/private/dovecot-lmtp") as session:
    session.sendmail(given["sender"], [given["uid"] + "@stores.invalid"], given["message"].encode())
"""


def test_a_colleague_is_told_when_the_agent_reads_and_a_stranger_is_not(
    hours: Any, site: Site, mail: Mail, people: People
) -> None:
    agent, colleague, other = hours(), people.agent(), people.agent()
    agent.close(answer=True)

    def hand(sender: Account, *headers: str) -> str:
        word = token()
        lines = [*headers, f"From: {sender.mail}", f"To: {agent.account.mail}", f"Subject: {word}", "", "x", ""]
        given = json.dumps({"uid": agent.account.uid, "sender": sender.mail, "message": "\r\n".join(lines)})
        site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND_FROM}'", given=given)
        assert agent.lies(word) == [WAITING]
        return word

    hand(other)  # its author is not verified
    for _ in range(2):
        hand(colleague, f"{AUTHOR}: {colleague.mail}")
    letter = email.message_from_bytes(mail.arrived(colleague, "automatique"), policy=email.policy.default)
    text = letter.get_content()
    assert "Je lis mes messages" in text and "tous les jours de " in text and letter["Auto-Submitted"]
    assert letter["From"] == agent.account.mail or agent.account.mail in str(letter["From"])
    assert mail.count(colleague, "automatique") == 1 and mail.count(other, "automatique") == 0
    agent.set(answer=False)
    third = people.agent()
    hand(third, f"{AUTHOR}: {third.mail}")
    assert mail.count(third, "automatique") == 0


def test_a_list_that_was_chosen_comes_through(hours: Any) -> None:
    agent = hours()
    place = agent.site.platform["domain"]
    agent.close(add=(f"profs@{place}",))
    chosen, other = (agent.hand(f"{LIST}: {one}@{place}", f"From: {STRANGER}") for one in ("profs", "autres"))
    assert (agent.lies(chosen), agent.lies(other)) == (["INBOX"], [WAITING])
