"""The agenda of SOGo as agents use it: a meeting by video for both classes, a room, an agenda that is shared."""

import datetime
import email
import email.policy
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser, first_on
from tests.stack.shared.groupware.test_rooms import Rooms
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = first_on(DESKTOP)

AGENDA = "Calendar/personal/"
TOMORROW = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris")).date() + datetime.timedelta(days=1)


def names(agenda: Groupware, owner: str = "") -> list[str]:
    """The names of the events of an agenda."""
    found = agenda.propfind(AGENDA, owner)
    assert found.status == 207, found.text
    return sorted(set(re.findall(r"/personal/([^/<]+\.ics)<", found.text)))


def events(agenda: Groupware) -> list[str]:
    """The events of one's own agenda, as iCalendar texts without folds."""
    return [agenda.fetch(f"{AGENDA}{name}").text.replace("\r\n ", "") for name in names(agenda)]


def answer(agenda: Groupware, guest: str) -> str:
    """The answer of a guest, as the organizer's event has it."""
    (kept,) = events(agenda)
    line = next(line for line in kept.splitlines() if line.startswith("ATTENDEE") and line.endswith(f":mailto:{guest}"))
    return str(re.findall(r"PARTSTAT=([A-Z-]+)", line)[0])


@pytest.fixture
def rooms(site: Site) -> Iterator[Rooms]:
    """Makes rooms."""
    made = Rooms(site)
    yield made
    made.clear()


def test_a_taken_room_refuses_by_its_name_and_a_free_one_accepts(
    browser: Browser, reader: Reader, people: People, rooms: Rooms, site: Site, ca_bundle: Path
) -> None:
    name, uid = f"Salle {token()[-6:]}", token()
    room = rooms.create(name=name)
    agent, other = reader.agent("convergence", letters=False), people.agent(profile="convergence")
    agenda, taken = (Groupware(site, ca_bundle, one) for one in (agent, other))
    booked = event(
        uid,
        "Conseil de classe",
        f"ORGANIZER:mailto:{other.mail}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{room}@{site.place.domain}",
        start=f"{TOMORROW:%Y%m%d}T090000",
        end=f"{TOMORROW:%Y%m%d}T100000",
    )
    assert taken.put(f"{AGENDA}{uid}.ics", booked, "text/calendar") == 201

    sogo.log_in(browser, agent)
    sogo.agenda(browser)
    sogo.begin(browser, "Réunion d’équipe", TOMORROW, "09:00")
    sogo.invite(browser, name)
    assert sogo.said(browser, "There is 1 match available.") == "Une proposition."
    assert sogo.said(browser, f"{name} selected") == f"{name}\u00a0: choisi"
    assert sogo.hint(browser) == "Appuyez sur Échap pour fermer."
    assert browser.fits()
    browser.picture("sogo-room")
    browser.click(sogo.SAVE)
    browser.seen(".sg-dialog-message", f"La ressource « {name} » est déjà réservée")
    assert browser.fits()
    browser.picture("sogo-room-refused")
    assert (len(names(agenda, room)), events(agenda)) == (1, [])

    browser.click("md-dialog-actions button", "ÉDITER")
    sogo.when(browser, TOMORROW, "10:00")
    sogo.save(browser)
    browser.seen(".sg-event, md-list-item", "Réunion d’équipe")
    (kept,) = events(agenda)
    assert "PARTSTAT=ACCEPTED" in kept and f"{TOMORROW:%Y%m%d}T100000" in kept
    assert len(names(agenda, room)) == 2
    assert browser.violations() == []


@pytest.mark.full
def test_a_meeting_by_video_is_accepted_in_both_classes(
    browser: Browser, reader: Reader, people: People, mail: Mail, site: Site, ca_bundle: Path
) -> None:
    agent, title = reader.agent("convergence", letters=False), f"Point d’étape {token()[-6:]}"
    guest = people.agent(profile="convergence", given_name="Aïcha", surname="Benali", hidden=False)
    other = people.agent(profile="roundcube", given_name="Paul", surname="Lœuf", hidden=False)
    agenda, hers = (Groupware(site, ca_bundle, one) for one in (agent, guest))
    assert hers.propfind(AGENDA).status == 207  # an agenda is made at its owner's first visit

    sogo.log_in(browser, agent)
    sogo.agenda(browser)
    sogo.begin(browser, title, TOMORROW, "14:00")
    link = sogo.call(browser)
    assert link.startswith(f"{site.platform['visio_url']}/reunion-")
    sogo.invite(browser, guest.mail)
    sogo.invite(browser, other.mail)
    assert browser.fits()
    browser.picture("sogo-invite")
    sogo.save(browser)
    # As an attachment SOGo knows it; Outlook and phones show the place.
    assert [(link in one, f"LOCATION:{link}\r\n" in one) for one in events(agenda)] == [(True, True)]
    sogo.log_out(browser)

    mail.arrived(guest, "Invitation")
    sogo.log_in(browser, guest)
    browser.click("md-list-item", title)
    browser.seen("#detailView .md-contact-name", "Paul Lœuf")
    assert browser.fits()
    browser.picture("sogo-invited")
    browser.click("#detailView button", "ACCEPTER")
    wait_for(lambda: answer(agenda, guest.mail) == "ACCEPTED")
    (kept,) = events(hers)
    assert link in kept
    sogo.log_out(browser)

    mail.arrived(other, "Invitation")
    roundcube.log_in(browser, other)
    roundcube.read(browser, title, "Votre participation est requise")
    roundcube.message(browser, ".malleposte-invitation a", link)
    assert browser.fits()
    browser.picture("roundcube-invited")
    roundcube.message(browser, ".malleposte-invitation button", "Accepter", click=True)
    roundcube.message(browser, ".malleposte-invitation [aria-pressed='true']", "Accepter")
    assert browser.violations() == []
    answered = email.message_from_bytes(mail.arrived(agent, title[-6:]), policy=email.policy.default)
    (reply,) = (one for one in answered.walk() if one.get_content_type() == "text/calendar")
    assert reply.get_param("method") == "REPLY"
    assert f"PARTSTAT=ACCEPTED:mailto:{other.mail}\n" in re.sub(r"\r?\n[ ]", "", reply.get_content()).replace("\r", "")


@pytest.mark.full
def test_a_place_that_is_given_stays_and_the_link_goes_below_the_description(
    browser: Browser, reader: Reader, site: Site, ca_bundle: Path
) -> None:
    agent = reader.agent("convergence", letters=False)
    agenda = Groupware(site, ca_bundle, agent)
    sogo.log_in(browser, agent)
    sogo.agenda(browser)
    sogo.begin(browser, "Conseil", TOMORROW, "16:00")
    place, text = (f"md-dialog [ng-model='editor.component.{name}']" for name in ("location", "comment"))
    browser.seen(place).send_keys("Salle 12")
    browser.seen(text).send_keys("Ordre du jour")
    link = sogo.call(browser)
    assert browser.seen(text).get_attribute("value") == f"Ordre du jour\n\n{link}"
    browser.click("md-dialog [ng-repeat='attach in editor.component.attachUrls'] button")
    browser.wait(lambda: browser.seen(text).get_attribute("value") == "Ordre du jour", "the link stays")
    # Its row leaves slowly, and moves the button that is clicked next.
    row = "md-dialog [ng-repeat='attach in editor.component.attachUrls']"
    browser.wait(lambda: not browser.driver.find_elements(By.CSS_SELECTOR, row), "the row stays")
    link = sogo.call(browser)
    sogo.save(browser)
    (kept,) = events(agenda)
    assert "LOCATION:Salle 12\r\n" in kept and f"DESCRIPTION:Ordre du jour\\n\\n{link}\r\n" in kept
    assert browser.violations() == []


@pytest.mark.full
def test_a_shared_agenda_is_seen_by_the_colleague(
    browser: Browser, reader: Reader, people: People, site: Site, ca_bundle: Path
) -> None:
    agent, title, uid = reader.agent("convergence", letters=False), f"Sortie {token()[-6:]}", token()
    friend = people.agent(profile="convergence", given_name="Aïcha", surname=f"Benali{uid[-6:]}", hidden=False)
    people.change(agent, mpHidden=["FALSE"])
    agenda, hers = (Groupware(site, ca_bundle, one) for one in (agent, friend))
    text = event(uid, title, start=f"{TOMORROW:%Y%m%d}T090000", end=f"{TOMORROW:%Y%m%d}T100000")
    assert agenda.put(f"{AGENDA}{uid}.ics", text, "text/calendar") == 201
    assert title not in hers.fetch(f"{AGENDA}{uid}.ics", agent.uid).text

    sogo.log_in(browser, agent)
    sogo.agenda(browser)
    sogo.menu(browser)
    browser.click(".sg-calendar-list-item md-icon[aria-label='Options']")
    browser.click("md-menu-content button", "Partage")
    browser.click("md-dialog input[name='addUser']")
    browser.choose("md-dialog input[name='addUser']", friend.mail)
    browser.click("md-dialog md-select[aria-label^='Public']")
    browser.click("md-option", "Voir tout")
    assert browser.fits()
    browser.picture("sogo-share")
    browser.click("md-dialog-actions button.md-primary", "ENREGISTRER")
    wait_for(lambda: title in hers.fetch(f"{AGENDA}{uid}.ics", agent.uid).text)
    sogo.log_out(browser)

    sogo.log_in(browser, friend)
    sogo.agenda(browser)
    sogo.menu(browser)
    browser.click('button[aria-label="S\'inscrire à un agenda..."]')
    browser.click("md-dialog input[name='userSearch']")
    browser.seen("md-dialog input[name='userSearch']").send_keys(agent.mail)
    browser.click("md-dialog md-card button", agent.mail)
    browser.click("md-dialog button.md-raised")
    browser.click("md-dialog md-toolbar button")
    browser.seen(".sg-calendar-list-item", "Claire Fontaine")
    sogo.afresh(browser)
    browser.seen(".sg-event", title)
    browser.picture("sogo-shared")
    assert browser.violations() == []
