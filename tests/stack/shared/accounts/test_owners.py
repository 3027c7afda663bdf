"""A message of a functional box has one owner: by labels of any program and by the portal, for its delegates alone."""

import threading
from typing import Any

import pytest
from malleposte.accountd.calls.shared.owners import BoxMail, ChangeBoxMail, SetBoxOwners, ShowBoxMail
from malleposte.accountd.message import Done, Refused

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

TAKEN, DONE = "prisencharge", "traite"


class Desk:
    """A box whose mail has owners, with two delegates."""

    def __init__(self, site: Site, mail: Mail, people: People) -> None:
        self.site, self.mail, self.portal = site, mail, Portal(site)
        self.sessions: dict[str, Any] = {}
        self.one, self.two, self.stranger = people.agent(), people.agent(), people.agent()
        self.box = people.box(self.one.uid, self.two.uid)
        assert Cli(site).typed("box", "owners", self.box.uid, "--on").returncode == 0

    def arrives(self) -> str:
        """Let a message come; the word of its subject."""
        word, sender = token(), f"parent@{FOREIGN}"
        self.mail.foreign(sender, self.box.mail, compose(sender, self.box.mail, word))
        session = self.session(self.one)
        wait_for(lambda: self.number(session, word), 60, f"{word} in the box")
        return word

    def session(self, who: Account) -> Any:
        session = self.sessions.get(who.uid) or self.mail.imap(who)
        self.sessions[who.uid] = session
        assert session.select(quoted(f"Partages/{self.box.uid}/INBOX"))[0] == "OK"
        return session

    def number(self, session: Any, word: str) -> str:
        session.noop()
        return str(session.search(None, "SUBJECT", word)[1][0].decode().partition(" ")[0])

    def label(self, who: Account, word: str, label: str = TAKEN, sign: str = "+") -> None:
        session = self.session(who)
        assert session.store(self.number(session, word), f"{sign}FLAGS", f"({label})")[0] == "OK"

    def flags(self, word: str) -> set[str]:
        session = self.session(self.one)
        (line, *_) = session.fetch(self.number(session, word), "(FLAGS)")[1]
        return set(line.decode().rpartition("FLAGS (")[2].rstrip(")").split())

    def awaits(self, word: str, *labels: str, without: tuple[str, ...] = ()) -> None:
        wait_for(lambda: set(labels) <= (have := self.flags(word)) and not set(without) & have, 30, f"{labels}")

    def ask(self, who: Account, kind: Any, *words: Any, **more: Any) -> Any:
        return self.portal.one(kind(self.portal.source, who.uid, self.portal.token(who.uid), *words, **more))

    def shown(self, who: Account, **more: Any) -> BoxMail:
        answer = self.ask(who, ShowBoxMail, self.box.uid, **more)
        assert isinstance(answer, BoxMail), answer
        return answer

    def ident(self, word: str) -> str:
        return next(one.ident for one in self.shown(self.one).mails if word in one.subject)

    def owner(self, word: str) -> str:
        return next(one.owner for one in self.shown(self.one).mails if word in one.subject)


@pytest.fixture
def desk(site: Site, mail: Mail, people: People) -> Desk:
    return Desk(site, mail, people)


def test_the_first_takes_a_message_and_an_answer_ends_it(desk: Desk) -> None:
    word = desk.arrives()
    desk.label(desk.one, word)
    desk.awaits(word, TAKEN, f"pris-{desk.one.uid}")
    refused = desk.ask(desk.two, ChangeBoxMail, desk.box.uid, desk.ident(word), "take")
    assert isinstance(refused, Refused) and refused.message == "taken" and desk.owner(word) == desk.one.uid
    desk.label(desk.two, word, f"pris-{desk.two.uid}")
    desk.awaits(word, f"pris-{desk.one.uid}", without=(f"pris-{desk.two.uid}",))
    refused = desk.ask(desk.stranger, ChangeBoxMail, desk.box.uid, desk.ident(word), "take")
    assert isinstance(refused, Refused) and refused.error == "not_found"
    note = f"<b>{token()}</b>"
    assert isinstance(desk.ask(desk.two, ChangeBoxMail, desk.box.uid, desk.ident(word), "note", text=note), Done)
    assert [one.text for one in desk.shown(desk.one, ident=desk.ident(word)).notes] == [note]
    session = desk.session(desk.one)
    raw = session.fetch(desk.number(session, word), "(BODY[])")[1][0][1]
    assert word.encode() in raw and note.encode() not in raw
    desk.label(desk.two, word, "\\Answered")
    desk.awaits(word, DONE, f"pris-{desk.two.uid}", without=(TAKEN,))
    assert not [one for one in desk.shown(desk.one).mails if word in one.subject]


@pytest.mark.full
def test_an_answer_as_the_box_ends_a_message_from_any_program(desk: Desk) -> None:
    word, other = desk.arrives(), desk.arrives()
    session = desk.session(desk.one)
    raw = session.fetch(desk.number(session, word), "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1][0][1].decode()
    ident = raw.partition(":")[2].strip()
    to = f"parent@{FOREIGN}"
    answer = compose(desk.box.mail, to, f"Re: {word}", **{"In-Reply-To": ident})
    assert desk.mail.submit(desk.two, desk.box.mail, to, answer).accepted
    wait_for(lambda: DONE in desk.flags(word), 400, "the end of the message")
    assert f"pris-{desk.two.uid}" in desk.flags(word) and DONE not in desk.flags(other)


@pytest.mark.full
def test_two_at_the_same_time_make_one_owner(desk: Desk) -> None:
    words = [desk.arrives() for _ in range(5)]
    for word in words:
        both = [threading.Thread(target=desk.label, args=(who, word)) for who in (desk.one, desk.two)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        wait_for(lambda word=word: desk.owner(word), 30, "an owner")
        owner = desk.owner(word)
        desk.awaits(word, TAKEN, f"pris-{owner}")
        names = {flag for flag in desk.flags(word) if flag.startswith("pris-")}
        assert names == {f"pris-{owner}"}


@pytest.mark.full
def test_who_leaves_the_box_owns_nothing(desk: Desk) -> None:
    word = desk.arrives()
    desk.label(desk.two, word)
    desk.awaits(word, f"pris-{desk.two.uid}")
    assert Cli(desk.site).typed("box", "undelegate", desk.box.uid, desk.two.uid).returncode == 0
    assert desk.owner(word) == ""
    wait_for(lambda: f"pris-{desk.two.uid}" not in desk.flags(word), 400, "the label to go")


@pytest.mark.full
def test_a_daemon_that_is_killed_loses_no_order(desk: Desk) -> None:
    words = [desk.arrives() for _ in range(6)]
    for word in words:
        desk.label(desk.one, word)
        desk.site.run("mail1", "systemctl kill -s KILL malleposte-owners.service || true")
    for word in words:
        desk.awaits(word, TAKEN, f"pris-{desk.one.uid}")


@pytest.mark.full
def test_a_box_of_others_stays_theirs_and_a_manager_turns_it_off(desk: Desk) -> None:
    word = desk.arrives()
    assert isinstance(desk.ask(desk.one, SetBoxOwners, desk.box.uid, False), Refused)
    assert Cli(desk.site).typed("box", "manager", desk.box.uid, desk.one.uid).returncode == 0
    assert isinstance(desk.ask(desk.one, SetBoxOwners, desk.box.uid, False), Done)
    assert not desk.shown(desk.one).since
    desk.label(desk.two, word)
    assert f"pris-{desk.two.uid}" not in desk.flags(word)
