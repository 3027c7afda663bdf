"""Convocations: the entry in both classes' agendas, one letter, answers of the invited alone, the portal's pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from malleposte.directory.model import FunctionalBox

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device
from tests.stack.support.desk import act, enrolled, entered
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.persons import Person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail
from tests.support.page import Page

pytestmark = pytest.mark.together("convocations")

OFFICE = "examens"
"""The office that the lab's facts name (`malleposte_convocations`)."""
UNIT = "malleposte-accounts-convocations.service"
HEAD = "Agent;Titre;Date;Début;Fin;Lieu\n"
REPLY = (
    "From: {author}\r\nTo: {office}\r\nSubject: Oui\r\nMessage-ID: <{word}@essai>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n\r\n{text}"
)


class Desk:
    """An operator with a file of rows, and an office."""

    def __init__(self, site: Site, mail: Mail, office: FunctionalBox, folder: Path) -> None:
        self.site, self.mail, self.office = site, mail, office
        self.file = folder / f"jury-{token()}.csv"

    def convoke(self, *agents: Account, title: str, place: str = "Salle 3", day: str = "15/06/2031") -> str:
        """Send the file as the controller does, and wait until all is sent; the identifier."""
        rows = (f"{one.uid};{title};{day};8h;12h;{place}\n" for one in agents)
        self.file.write_text(HEAD + "".join(rows), "utf-8")
        words = (str(self.file), "--office", self.office.mail, "--yes", "--wait", "--json")
        done = Cli(self.site).typed(*words, group="convoke")
        assert done.returncode == 0, (done.stdout, done.stderr)
        return str(json.loads(done.stdout.splitlines()[-1])["convocation"])

    def ask(self, *words: str) -> Any:
        """One of `malleposte convocations`, as JSON."""
        host = self.site.host_of("directory")
        return json.loads(self.site.run(host, f"malleposte convocations {' '.join(words)} --json"))

    def answers(self, ident: str) -> dict[str, str]:
        """The answers, once the box has been looked at."""
        self.site.run_job(self.site.host_of("directory"), UNIT)
        return {one["key"]: one["answer"] for one in self.ask("show", ident)["invitees"]}

    def letter(self, agent: Account, words: str) -> Any:
        """The letter that came, parsed."""
        return message_from_bytes(self.mail.arrived(agent, words), policy=policy.default)


@pytest.fixture
def office(people: People, site: Site) -> FunctionalBox:
    """The office of the facts, of this test alone."""
    return people.box(uid=OFFICE, mail=f"{OFFICE}@{site.place.domain}", name="Division des examens")


@pytest.fixture
def desk(site: Site, mail: Mail, office: FunctionalBox, tmp_path: Path) -> Desk:
    return Desk(site, mail, office, tmp_path)


def kept(device: Device, title: str) -> list[str]:
    """The entries of a title in every agenda of a device's owner, unfolded."""
    texts = []
    for home in device.discover()[1]:
        for href, status in device.changes(home)[1].items():
            if status == 200:
                texts.append(device.ask("GET", href).text.replace("\r", "").replace("\n ", ""))
    return [text for text in texts if title in text]


def calendar(letter: Any) -> str:
    """The invitation of a letter."""
    (part,) = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
    return str(part.get_content())


def as_reply(text: str, word: str) -> str:
    """The answer that a client makes of an invitation."""
    made = text.replace("METHOD:REQUEST", "METHOD:REPLY")
    return made.replace("PARTSTAT=NEEDS-ACTION", f"PARTSTAT={word}").replace("\r\n", "\n").replace("\n", "\r\n")


def test_the_entry_is_in_both_agendas_and_follows_change_and_end(
    desk: Desk, people: People, device: Callable[..., Device]
) -> None:
    title = f"Jury {token()}"
    rich, light = people.agent(profile="convergence"), people.agent()
    devices = [device(one) for one in (rich, light)]
    ident = desk.convoke(rich, light, title=title)
    for one in devices:
        (text,) = kept(one, title)
        assert "SEQUENCE:0" in text and f"mailto:{desk.office.mail}" in text and "PARTSTAT=NEEDS-ACTION" in text
    for agent in (rich, light):
        made = desk.letter(agent, title)
        assert [part.get_filename() for part in made.walk() if part.get_content_type() == "application/pdf"] == [
            "ordre-de-mission.pdf"
        ]
        assert "METHOD:REQUEST" in calendar(made)
    assert desk.convoke(rich, light, title=title) == ident, "typed again it is the same"
    assert [desk.mail.count(agent, title) for agent in (rich, light)] == [1, 1]
    desk.convoke(rich, light, title=title, place="Salle 4")
    for one in devices:
        (text,) = kept(one, title)
        assert "SEQUENCE:1" in text and "Salle 4" in text
    desk.convoke(rich, title=title, place="Salle 4")
    assert (len(kept(devices[0], title)), kept(devices[1], title)) == (1, [])
    desk.ask("cancel", desk.file.name, "--yes")
    wait_for(lambda: kept(devices[0], title) == [], 120, "the entry to leave SOGo's agenda")
    wait_for(lambda: desk.mail.count(rich, title) == 3, 90, "the letter that it is off")


def test_answers_of_the_invited_alone_count(
    desk: Desk, people: People, mail: Mail, agent: tuple[Account, Webmail], device: Callable[..., Device]
) -> None:
    title, (light, here), other = f"Jury {token()}", agent, people.agent()
    ident = desk.convoke(light, other, title=title)
    invitation = calendar(desk.letter(other, title))
    # A stranger, and a colleague, answer for the other agent; a stranger cancels.
    forged = as_reply(invitation, "DECLINED")
    word = token()
    text = REPLY.format(author=f"{word}@lointain.test", office=desk.office.mail, word=word, text=forged)
    mail.foreign(f"{word}@lointain.test", desk.office.mail, text.encode())
    text = REPLY.format(author=light.mail, office=desk.office.mail, word=token(), text=forged)
    assert mail.submit(light, light.mail, desk.office.mail, text.encode()).accepted
    cancel = invitation.replace("METHOD:REQUEST", "METHOD:CANCEL")
    mail.foreign(f"{word}@lointain.test", other.mail, text.replace(forged, cancel).encode())
    # The invited agent answers in the light webmail.
    desk.mail.arrived(light, title)
    form = {"_uid": here.newest(), "_mbox": "INBOX", "_answer": "accept", "_number": ""}
    here.call(_form=form, _task="mail", _action="plugin.malleposte-answer")
    wait_for(lambda: desk.answers(ident)[light.uid] == "yes", 120, "the answer of the webmail")
    assert desk.answers(ident)[other.uid] == "", "nobody answers for another"
    assert len(kept(device(light), title)) == len(kept(device(other), title)) == 1, "once, and still there"
    # The other one answers by the own client.
    text = REPLY.format(author=other.mail, office=desk.office.mail, word=token(), text=forged)
    assert mail.submit(other, other.mail, desk.office.mail, text.encode()).accepted
    wait_for(lambda: desk.answers(ident)[other.uid] == "no", 120, "the answer by mail")
    assert kept(device(other), title) == []


def test_an_agent_answers_on_the_portal(
    desk: Desk, site: Site, web: Web, person: Callable[..., Person], device: Callable[..., Device]
) -> None:
    title, who = f"Jury {token()}", person()
    ident = desk.convoke(who.account, title=title)
    inside = entered(site, web, who)
    page = inside.get("/compte/convocations")
    assert title in page.main
    (form,) = [one for one in page.forms() if one["fields"].get("answer") == "no"]
    assert "Votre réponse est non" in Page(inside.follow(inside.ask(form["action"], form["fields"])).text).main
    assert desk.answers(ident)[who.uid] == "no"
    assert kept(device(who.account), title) == []


@pytest.mark.full
def test_a_sogo_agent_accepts_on_a_device(desk: Desk, people: People, device: Callable[..., Device]) -> None:
    title, rich = f"Jury {token()}", people.agent(profile="convergence")
    ident = desk.convoke(rich, title=title)
    phone = device(rich)
    for home in phone.discover()[1]:
        for href, status in phone.changes(home)[1].items():
            text = phone.ask("GET", href).text if status == 200 else ""
            if title in text:
                accepted = re.sub("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED", text)
                assert phone.ask("PUT", href, accepted, Content_Type="text/calendar").status in (200, 201, 204)
    wait_for(lambda: desk.answers(ident)[rich.uid] == "yes", 180, "SOGo's answer")
    assert len(kept(phone, title)) == 1


@pytest.mark.full
def test_killed_while_it_sends_each_gets_one_letter(desk: Desk, people: People, site: Site) -> None:
    title, agents = f"Jury {token()}", [people.agent() for _ in range(30)]
    desk.file.write_text(HEAD + "".join(f"{one.uid};{title};15/06/2031;8h;12h;x\n" for one in agents), "utf-8")
    words = (str(desk.file), "--office", desk.office.mail, "--yes", "--json")
    done = Cli(site).typed(*words, group="convoke")
    ident, host = json.loads(done.stdout.splitlines()[-1])["convocation"], site.host_of("directory")
    for _kill in range(4):
        site.run(host, f"sleep 2; systemctl kill --signal=KILL {UNIT} || true")

    def sent() -> bool:
        site.run_job(host, UNIT)
        return bool(desk.ask("show", ident)["counts"]["waiting"] == 0)

    wait_for(sent, 600, "all letters")
    assert [desk.mail.count(one, title) for one in agents] == [1] * len(agents)


@pytest.fixture
def officer(site: Site, web: Web, office: FunctionalBox, people: People, person: Callable[..., Person]) -> SignedOn:
    """A delegate of the office with the role, who logs in by a second factor."""
    who = person()
    application = enrolled(site, web, who)
    Cli(site).out("box", "delegate", office.uid, who.uid)
    Cli(site).json("role", "grant", who.uid, "convoke", "--reason", "essai")
    return entered(site, web, who, application)


@pytest.mark.full
def test_an_office_convokes_on_the_portal(
    officer: SignedOn, office: FunctionalBox, people: People, mail: Mail, device: Callable[..., Device]
) -> None:
    word, agent = token(), people.agent()
    title = f"Réunion {word}"
    page = act(
        officer, f"/convocations/nouvelle?bureau={office.uid}", name=title, title=title, day="2031-06-15",
        begin="08:00", end="12:00", place="Salle 3", agents=f"{agent.uid}\npersonne-ici",
    )  # fmt: skip
    (ident,) = set(re.findall(r"convocation=(\d{8}-\d{6}-[0-9a-f]{4})", " ".join(map(str, page.links))))
    where = f"/convocation?bureau={office.uid}&convocation={ident}"

    def planned() -> Page | None:
        page = officer.get(where)
        return None if "Actualiser" in page.main else page

    page = wait_for(planned, 120, "the plan")
    assert "1 nouvelle convocation" in page.main and "personne-ici" in page.main
    (form,) = [one for one in page.forms() if one["fields"].get("order") == "send"]
    officer.follow(officer.ask(form["action"], form["fields"]))
    mail.arrived(agent, word)
    wait_for(lambda: len(kept(device(agent), title)) == 1, 120, "the entry in the agenda")
    assert title in officer.get("/convocations").main
