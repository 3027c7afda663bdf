"""« Retirer des messages » of the portal: the DSI takes a message out of boxes, and two persons where one may not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import act, enrolled, entered
from tests.stack.support.mail import Mail, compose, quoted, token, wait_for
from tests.stack.support.persons import Person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

LIST, NEW, PAGE, REPORTS = "/dsi/retraits", "/dsi/retraits/nouveau", "/dsi/retrait", "/dsi/signalements"
FOLDER, PROGRAM = "Indésirables/Signaler à la DSI", "/etc/dovecot/sieve/bin/report"


@pytest.fixture
def officer(site: Site, web: Web, person: Callable[..., Person]) -> Callable[[], SignedOn]:
    """Make a person of the DSI, who logs in by a second factor."""

    def made() -> SignedOn:
        who = person()
        application = enrolled(site, web, who)
        Cli(site).json("role", "grant", who.uid, "dsi", "--reason", "essai")
        return entered(site, web, who, application)

    return made


def planned(visitor: SignedOn, **looked_for: str) -> tuple[str, Page]:
    """Have a plan made; its name, and its page once it is made."""
    page = act(visitor, NEW, reason="essai", **looked_for)
    (ident,) = set(re.findall(r"retrait=(\d{8}-\d{6}-[0-9a-f]{4})", " ".join(map(str, page.links))))
    return ident, settled(visitor, ident)


def settled(visitor: SignedOn, ident: str) -> Page:
    """The page of a retraction, once nothing is being done."""

    def look() -> Page | None:
        page = visitor.get(f"{PAGE}?retrait={ident}")
        return None if "Actualiser" in page.main else page

    return wait_for(look, what="the end of the work", timeout=300)


def pressed(visitor: SignedOn, page: Page, words: str) -> None:
    """Send the form of a page that goes to an address with these words."""
    (form,) = [one for one in page.forms() if str(one["action"]).endswith(words)]
    visitor.follow(visitor.ask(form["action"], form["fields"]))


def found(mail: Mail, site: Site, who: Any, word: str) -> int:
    """Return the number of messages of that subject in the box."""
    listed = site.run("mail1", f"doveadm fetch -u {who.uid} uid mailbox '*' header Subject {word}")
    return listed.count("uid:")


@pytest.mark.full
def test_a_person_of_the_dsi_takes_a_message_back_and_gives_it_back(
    site: Site, mail: Mail, people: Any, officer: Callable[[], SignedOn]
) -> None:
    agents, word = [people.agent() for _ in range(2)], token()
    sender = f"{word}@lointain.test"
    for agent in agents:
        mail.foreign(sender, agent.mail, compose(sender, agent.mail, f"Alerte {word}", "Confirmez votre compte."))
        mail.arrived(agent, word)
    inside = officer()
    assert inside.get(LIST).main
    deadline = time.monotonic() + 120
    ident, page = planned(inside, sender=sender)
    while "2 boîtes" not in page.main and time.monotonic() < deadline:
        ident, page = planned(inside, sender=sender)
    assert sender in page.main and "2 boîtes" in page.main
    assert [found(mail, site, one, word) for one in agents] == [1, 1], "a plan takes nothing"
    pressed(inside, page, "/retirer")
    page = settled(inside, ident)
    assert "retirés de 2 boîtes" in page.main
    assert [found(mail, site, one, word) for one in agents] == [0, 0]
    pressed(inside, page, "/rendre")
    assert "rendus aux agents" in settled(inside, ident).main
    assert [found(mail, site, one, word) for one in agents] == [1, 1]


def test_what_an_agent_wrote_is_taken_back_by_two_persons(
    site: Site, mail: Mail, people: Any, officer: Callable[[], SignedOn], person: Callable[..., Person], web: Web
) -> None:
    author, reader, word = people.agent(), people.agent(), token()
    mail.submit(author, author.mail, reader.mail, compose(author.mail, reader.mail, f"Note {word}", "Bonjour à tous."))
    mail.arrived(reader, word)
    first, second = officer(), officer()
    deadline = time.monotonic() + 120
    ident, page = planned(first, sender=author.mail)
    while "L’accord de deux personnes" not in page.main and time.monotonic() < deadline:
        ident, page = planned(first, sender=author.mail)
    pressed(first, page, "/retirer")
    page = settled(first, ident)
    assert "Attend l’accord d’une seconde personne" in page.main
    assert not [one for one in page.forms() if str(one["action"]).endswith("/retirer")], "nobody agrees twice"
    assert found(mail, site, reader, word) == 1
    stranger = entered(site, web, person())
    assert "réservée à la DSI" in stranger.get(f"{PAGE}?retrait={ident}").main
    page = settled(second, ident)
    pressed(second, page, "/retirer")
    assert "retiré de 1 boîte" in settled(second, ident).main
    assert found(mail, site, reader, word) == 0


def test_a_report_leads_to_a_plan_and_is_answered(
    site: Site, mail: Mail, people: Any, officer: Callable[[], SignedOn]
) -> None:
    """A forged report of a message that its agent never got begins no plan; the honest ones do."""
    agents, word = [people.agent() for _ in range(2)], token()
    forger, sender = people.agent(), f"{word}@lointain.test"
    for agent in agents:
        mail.foreign(sender, agent.mail, compose(sender, agent.mail, f"Alerte {word}", "Confirmez votre compte."))
        mail.arrived(agent, word)
        session = mail.imap(agent)
        session.select("INBOX")
        assert session.uid("MOVE", session.uid("SEARCH", "SUBJECT", word)[1][0].decode(), quoted(FOLDER))[0] == "OK"
    forged_report = compose("rectrice@lointain.test", forger.mail, f"Note {word}").decode()
    site.run("mail1", f"runuser -u vmail -- {PROGRAM} {forger.mail}", given=forged_report)
    inside = officer()

    def listed() -> Page | None:
        page = inside.get(REPORTS)
        return page if f"Alerte {word}" in page.main and f"Note {word}" in page.main else None

    page = wait_for(listed, timeout=120, what="the reports")
    cards = [" ".join(text.split()) for _held, text in page.all("li")]
    (both,) = [one for one in cards if f"Alerte {word}" in one]
    (forged,) = [one for one in cards if f"Note {word}" in one]
    assert "Signalé par 2 agents" in both and "Préparer un retrait" in both
    assert "ne vous fiez pas" in forged and "Préparer un retrait" not in forged
    ident, page = planned(inside, sender=sender)
    pressed(inside, page, "/retirer")
    settled(inside, ident)
    assert [found(mail, site, one, word) for one in agents] == [0, 0]
    for agent in agents:
        mail.arrived(agent, "signalement")
    page = inside.get(REPORTS)
    assert f"Alerte {word}" not in page.main and f"Note {word}" in page.main
