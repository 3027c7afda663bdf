"""« Agenda » of the light webmail: shown, changed and answered as an agent does, with what a device sees of it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.browser.support import roundcube, whole
from tests.browser.support.agent import Reader
from tests.browser.support.browser import BOTH_SIZES, Browser
from tests.stack.support.dav import Device
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

DAY = datetime.now(UTC).date() + timedelta(days=3)
TYPE = {"Content_Type": "text/calendar; charset=utf-8"}
MARK = "<b onclick=alert(1)>gras</b>"
NAMED = (
    '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
    "<d:displayname>{}</d:displayname></d:prop></d:set></c:mkcalendar>"
)
READY = "return document.getElementById('agenda-calendar').getAttribute('aria-busy') === 'false'"
SHOWN = "return [...document.querySelectorAll('.ec-event')].some(one => one.textContent.includes(arguments[0]))"


def event(title: str, *more: str, start: int = 14, uid: str = "") -> str:
    """An event of an hour on the day of the tests, as a device writes it."""
    at = datetime(DAY.year, DAY.month, DAY.day, start, tzinfo=UTC)
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//essai//FR", "BEGIN:VEVENT", f"UID:{uid or token()}",
        "DTSTAMP:20300101T080000Z", f"DTSTART:{at:%Y%m%dT%H%M%SZ}", f"DTEND:{at + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{title}", *more, "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return "\r\n".join(lines)


class Agenda:
    """The page, and a device of the same agent."""

    def __init__(self, browser: Browser, account: Account, device: Device) -> None:
        self.browser, self.account, self.device = browser, account, device
        self.home = next(home for home in device.discover()[1] if home.endswith("/agenda/"))

    def put(self, name: str, text: str) -> None:
        """Write an event by the device."""
        answer = self.device.ask("PUT", f"{self.home}{name}.ics", text, **TYPE)
        assert answer.status in (201, 204), (answer.status, answer.text[:300])

    def kept(self, title: str) -> tuple[str, str]:
        """The address and the text, unfolded, of an event that the device sees; empty where there is none."""
        for href, status in self.device.changes(self.home)[1].items():
            text = self.device.ask("GET", href).text.replace("\r", "").replace("\n ", "") if status == 200 else ""
            if title in text:
                return href, text
        return "", ""

    def open(self) -> None:
        """Open the page, and wait for the events."""
        self.browser.open("webmail", "/?_task=agenda")
        self.loaded()

    def loaded(self) -> None:
        """Wait for the events."""
        self.browser.wait(lambda: self.browser.driver.execute_script(READY), "the events do not come")

    def look(self, name: str) -> None:
        """Change to another view."""
        self.browser.click(".ec-button", name)
        self.browser.seen(".ec-button[aria-pressed='true']", name)
        self.loaded()

    def shown(self, title: str, there: bool = True) -> None:
        """Wait until an event is shown, or is no longer."""
        script = self.browser.driver.execute_script
        self.browser.wait(lambda: script(SHOWN, title) == there, f"{title}: {'not ' if there else ''}shown")

    def choose(self, title: str) -> None:
        """Open an event by the keyboard."""
        self.browser.seen(".agenda-entry", title).send_keys(Keys.ENTER)
        self.browser.seen(".agenda-dialog h2", title)

    def press(self, words: str) -> None:
        """Press a button of the dialog on top."""
        self.browser.click(".agenda-dialog:last-of-type button", words)

    def closed(self) -> None:
        """Wait until no dialog is open."""
        self.browser.wait(lambda: not self.browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-dialog"), "it stays")

    def type(self, name: str, text: str) -> None:
        """Put a value into a field of the form, as the browser's own fields of dates take it."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))"
        self.browser.driver.execute_script(script, self.browser.seen(f"#agenda-{name}"), text)


@pytest.fixture
def agenda(browser: Browser, reader: Reader, device: Callable[..., Device]) -> Agenda:
    agent = reader.agent("roundcube", letters=False)
    made = Agenda(browser, agent, device(agent))
    roundcube.log_in(browser, agent)
    return made


@BOTH_SIZES
def test_its_views_have_no_barrier_and_what_others_wrote_is_text(browser: Browser, agenda: Agenda) -> None:
    agenda.put("a", event("Conseil de classe 3ᵉ B", "LOCATION:Salle des maîtres"))
    agenda.put("b", event("Chorale", "RRULE:FREQ=WEEKLY", start=9))
    if browser.size.mobile:
        browser.click(".task-menu-button")
    browser.click("#taskmenu a.agenda", "Agenda")
    agenda.loaded()
    browser.seen(".ec-button[aria-pressed='true']", "Liste" if browser.size.mobile else "Mois")
    for view, name in (("Mois", "month"), ("Semaine", "week"), ("Liste", "list")):
        agenda.look(view)
        browser.picture(f"agenda-{name}")
        whole.check(browser)
        # Only the hours of a week take the focus, to scroll; the parts of the other views do not.
        focusable = browser.driver.find_elements(By.CSS_SELECTOR, ".ec-main[tabindex='0']")
        assert bool(focusable) == (name == "week")
    agenda.look("Semaine")
    browser.click(".ec-prev")
    agenda.loaded()
    browser.wait(lambda: not browser.driver.find_elements(By.CSS_SELECTOR, ".ec-event"), "a week before all events")
    assert whole.barriers(browser) == []
    agenda.open()
    agenda.look("Liste")
    agenda.shown("Chorale")
    assert browser.fits()
    agenda.put("c", event(f"Commission {MARK}", f"LOCATION:Salle {MARK}", "URL:https://visio.example.org/abc"))
    agenda.open()
    agenda.look("Liste")
    agenda.choose("Commission")
    assert MARK in browser.seen(".agenda-dialog h2").text and f"Salle {MARK}" in browser.seen(".agenda-facts").text
    assert browser.seen(".agenda-facts a").get_attribute("href") == "https://visio.example.org/abc"
    assert browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-dialog b, .ec-event b") == []
    assert whole.barriers(browser) == []
    browser.picture("agenda-event")
    agenda.press("Fermer")
    agenda.closed()
    agenda.choose("Chorale")
    browser.seen(".agenda-dialog", "Cet événement se répète.")
    assert "Modifier" not in [
        one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-dialog button")
    ]
    assert browser.complaints() == []


@BOTH_SIZES
def test_an_event_goes_from_the_page_to_a_device_and_back(browser: Browser, agenda: Agenda) -> None:
    word = token()
    agenda.open()
    agenda.look("Liste")
    browser.click("#agenda-new", "Nouvel événement")
    agenda.press("Enregistrer")
    browser.seen("#agenda-error", "Donnez un titre")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "agenda-title"
    browser.write("#agenda-title", f"Réunion {word}, œuvre; <u>")
    agenda.type("begin", DAY.isoformat())
    agenda.type("beginhour", "08:30")
    assert browser.seen("#agenda-end").get_attribute("value") == DAY.isoformat(), "the end follows"
    browser.write("#agenda-place", "Salle 12")
    browser.write("#agenda-link", "https://visio.example.org/def")
    Select(browser.seen("#agenda-reminder")).select_by_visible_text("15 minutes avant")
    assert whole.barriers(browser) == []
    agenda.press("Enregistrer")
    agenda.closed()
    agenda.shown(word)
    href, text = agenda.kept(word)
    assert f"SUMMARY:Réunion {word}\\, œuvre\\; <u>\n" in text and "URL:https://visio.example.org/def\n" in text
    assert f"DTSTART;TZID=Europe/Paris:{DAY:%Y%m%d}T083000\n" in text and "BEGIN:VTIMEZONE\nTZID:Europe/Paris\n" in text
    assert f"DTEND;TZID=Europe/Paris:{DAY:%Y%m%d}T093000\n" in text
    assert "TRIGGER:-PT15M" in text and "ACTION:EMAIL" in text and agenda.account.mail in text

    changed = text.replace("Réunion", "Commission").replace("LOCATION:", "X-AUTRE;X-P=1:a\\,b\nLOCATION:")
    assert agenda.device.ask("PUT", href, changed.replace("\n", "\r\n"), **TYPE).status in (201, 204)
    agenda.open()
    agenda.look("Liste")
    agenda.choose(f"Commission {word}")
    agenda.press("Modifier")
    agenda.type("place", "Salle 13")
    agenda.press("Enregistrer")
    agenda.closed()
    browser.wait(lambda: "LOCATION:Salle 13\n" in agenda.kept(word)[1], "the place is not changed")
    _href, text = agenda.kept(word)
    assert "X-AUTRE;X-P=1:a\\,b\n" in text and f"DTSTART;TZID=Europe/Paris:{DAY:%Y%m%d}T083000\n" in text

    agenda.loaded()
    agenda.choose(word)
    agenda.press("Supprimer")
    browser.seen(".agenda-dialog:last-of-type h2", "Supprimer cet événement")
    agenda.press("Supprimer")
    agenda.closed()
    agenda.shown(word, False)
    assert agenda.kept(word) == ("", "")
    assert browser.complaints() == []


@pytest.mark.full
def test_an_event_is_moved_to_another_agenda_and_a_move_that_was_cut_off_ends(browser: Browser, agenda: Agenda) -> None:
    word, other = token(), f"{agenda.device.discover()[0]}{token()}/"
    assert agenda.device.ask("MKCALENDAR", other, NAMED.format("Réunions d’équipe")).status == 201
    text = event(f"Réunion {word}", "LOCATION:Salle 1")
    agenda.put("a", text)
    agenda.open()
    agenda.look("Liste")
    agenda.choose(word)
    agenda.press("Modifier")
    agenda.type("place", "Salle 2")
    Select(browser.seen("#agenda-agenda")).select_by_visible_text("Réunions d’équipe")
    assert whole.barriers(browser) == []
    browser.picture("agenda-move")
    agenda.press("Enregistrer")
    agenda.closed()
    agenda.shown(word)
    assert agenda.kept(word) == ("", ""), "it is in the first agenda still"
    assert "LOCATION:Salle 2" in agenda.device.ask("GET", f"{other}a.ics").text

    agenda.put("a", text)
    agenda.open()
    agenda.look("Liste")
    browser.wait(lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-entry")) == 2, "one is missing")
    browser.click("#agenda-agendas label", "Réunions d’équipe")
    browser.wait(lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-entry")) == 1, "one stays")
    agenda.choose(word)
    agenda.press("Modifier")
    Select(browser.seen("#agenda-agenda")).select_by_visible_text("Réunions d’équipe")
    agenda.press("Enregistrer")
    agenda.closed()
    assert agenda.kept(word) == ("", "")
    assert "LOCATION:Salle 1" in agenda.device.ask("GET", f"{other}a.ics").text


@pytest.mark.full
def test_a_change_made_elsewhere_is_told_and_what_was_typed_stays(browser: Browser, agenda: Agenda) -> None:
    word = token()
    text = event(f"Réunion {word}", "LOCATION:Salle 1")
    agenda.put("a", text)
    agenda.open()
    agenda.look("Liste")
    agenda.choose(word)
    agenda.press("Modifier")
    agenda.type("title", f"Conseil {word}")
    agenda.put("a", text.replace("Salle 1", "Salle 2"))
    agenda.press("Enregistrer")
    browser.seen(".agenda-said", "a été modifié ailleurs pendant que vous écriviez")
    browser.seen(".agenda-said", "Salle 2")
    browser.picture("agenda-conflict")
    assert whole.barriers(browser) == []
    assert browser.seen("#agenda-title").get_attribute("value") == f"Conseil {word}"
    assert browser.seen("#agenda-place").get_attribute("value") == "Salle 2", "what was not typed comes from there"
    assert "SUMMARY:Réunion" in agenda.kept(word)[1], "nothing is saved yet"
    agenda.press("Enregistrer")
    agenda.closed()
    kept = agenda.kept(word)[1]
    assert f"SUMMARY:Conseil {word}\n" in kept and "LOCATION:Salle 2\n" in kept

    agenda.loaded()
    agenda.choose(word)
    agenda.press("Modifier")
    agenda.type("place", "Salle 3")
    assert agenda.device.ask("DELETE", f"{agenda.home}a.ics").status in (200, 204)
    agenda.press("Enregistrer")
    browser.seen(".agenda-said", "a été supprimé ailleurs")
    agenda.press("Enregistrer")
    agenda.closed()
    assert "LOCATION:Salle 3\n" in agenda.kept(word)[1]


@pytest.mark.full
def test_a_session_that_ends_while_one_writes_loses_nothing(browser: Browser, agenda: Agenda) -> None:
    word = token()
    agenda.open()
    browser.click("#agenda-new")
    browser.write("#agenda-title", f"Réunion {word}")
    agenda.type("begin", DAY.isoformat())
    browser.driver.delete_all_cookies()
    agenda.press("Enregistrer")
    browser.seen(".agenda-dialog .malleposte-unsent", "Votre session est terminée")
    browser.picture("agenda-over")
    assert whole.barriers(browser) == []
    assert browser.seen("#agenda-title").get_attribute("value") == f"Réunion {word}"
    assert agenda.kept(word) == ("", "")
    here = browser.driver.current_window_handle
    browser.tab()
    # The log-in page knows the agent still.
    browser.open("webmail")
    browser.seen("#layout-list")
    browser.driver.close()
    browser.driver.switch_to.window(here)
    browser.driver.execute_script("window.dispatchEvent(new Event('focus'))")
    browser.seen(".agenda-dialog .malleposte-unsent", "La connexion est rétablie")
    agenda.press("Enregistrer")
    agenda.closed()
    assert f"SUMMARY:Réunion {word}\n" in agenda.kept(word)[1]


@pytest.mark.full
def test_who_gives_up_is_asked_and_a_tick_hides_an_agenda(browser: Browser, agenda: Agenda) -> None:
    word = token()
    agenda.put("a", event(f"Réunion {word}"))
    agenda.open()
    agenda.look("Liste")
    browser.click("#agenda-new")
    browser.write("#agenda-title", "Brouillon")
    browser.seen("#agenda-title").send_keys(Keys.ESCAPE)
    browser.seen(".agenda-dialog:last-of-type h2", "Abandonner ce que vous avez écrit")
    agenda.press("Continuer d’écrire")
    assert browser.seen("#agenda-title").get_attribute("value") == "Brouillon"
    agenda.press("Annuler")
    agenda.press("Abandonner")
    agenda.closed()
    browser.click("#agenda-agendas label", "Agenda")
    agenda.shown(word, False)
    agenda.open()
    agenda.look("Liste")
    assert not browser.driver.execute_script(SHOWN, word), "the choice stays"
    browser.click("#agenda-agendas label", "Agenda")
    agenda.shown(word)


@BOTH_SIZES
@pytest.mark.full
def test_an_invitation_is_answered_in_the_agenda(browser: Browser, agenda: Agenda, people: People, mail: Mail) -> None:
    organizer, word = people.agent(), f"n° {secrets.randbelow(10**6)}"
    guest = f'ATTENDEE;CN="Claire";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{agenda.account.mail}'
    agenda.put("a", event(f"Conseil d’administration {word}", f"ORGANIZER;CN=Direction:mailto:{organizer.mail}", guest))
    agenda.open()
    agenda.look("Liste")
    agenda.shown(f"À répondre\u00a0: Conseil d’administration {word}")
    agenda.choose(word)
    browser.seen(".agenda-dialog", "Cette réunion est organisée par quelqu’un d’autre")
    assert whole.barriers(browser) == []
    browser.picture("agenda-invited")
    agenda.press("Peut-être")
    agenda.closed()
    assert "PARTSTAT=TENTATIVE" in agenda.kept(word)[1]
    assert b"REPLY" in mail.arrived(organizer, word.removeprefix("n° "), timeout=120)
    agenda.shown(f"Peut-être\u00a0: Conseil d’administration {word}")
    agenda.choose(word)
    browser.seen(".agenda-dialog [aria-pressed='true']", "Peut-être")
    agenda.press("Non")
    agenda.closed()
    agenda.shown(word, False)
    assert agenda.kept(word) == ("", "")


@pytest.mark.full
def test_the_agenda_of_a_team_is_read_beside_the_own(
    browser: Browser, agenda: Agenda, people: People, site: Site, ca_bundle: Path
) -> None:
    colleague = people.agent(profile="convergence")
    writer = Groupware(site, ca_bundle, colleague).login()
    team = people.box(colleague.uid, agenda.account.uid, agenda=True, name="Équipe Voyage à Orléans")
    site.run_job(site.host_of("web"), "malleposte-sogo-sync.service")
    item = f"Calendar/personal/{token()}.ics"
    assert writer.put(item, event("Réunion de préparation"), "text/calendar", owner=team.uid) == 201
    site.run_job(site.host_of("web"), "malleposte-sogo-sync.service")
    browser.wait(lambda: team.name in agenda.device.discover()[1].values(), "the copy does not come")
    agenda.open()
    agenda.look("Liste")
    agenda.choose("Réunion de préparation")
    assert "Équipe Voyage à Orléans" in browser.seen(".agenda-dialog").text
    browser.picture("agenda-team-event")
    names = [one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, ".agenda-dialog button")]
    assert "Fermer" in names and not {"Modifier", "Supprimer"} & set(names)
    agenda.press("Fermer")
    agenda.closed()
    assert whole.barriers(browser) == []
    browser.picture("agenda-team")
