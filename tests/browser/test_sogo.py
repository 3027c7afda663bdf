"""SOGo on a desktop and on a phone: log in, read a new message, open the agenda, log out; all of it in French."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser
from tests.browser.support.sso import enter
from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

FOLDERS = ("Boîte de réception", "Brouillons", "Envoyés", "Corbeille", "Archives")
EVENT = "Conseil d’école"


@pytest.fixture
def agent(reader: Reader, site: Site, ca_bundle: Path) -> Iterator[Account]:
    """An agent with mail, and with an event today and tomorrow."""
    account = reader.agent("convergence")
    agenda, today = Groupware(site, ca_bundle, account), datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris"))
    paths = []
    for day in (today, today + datetime.timedelta(days=1)):
        uid, date = token(), f"{day:%Y%m%d}"
        paths.append(f"Calendar/personal/{uid}.ics")
        text = event(uid, EVENT, start=f"{date}T150000", end=f"{date}T163000")
        assert agenda.put(paths[-1], text, "text/calendar") == 201
    yield account
    assert [agenda.delete(path) for path in paths] == [204, 204]


def test_an_agent_reads_what_just_came_and_opens_the_agenda(browser: Browser, reader: Reader, agent: Account) -> None:
    browser.open("groupware")
    enter(browser, agent.uid, agent.password)
    browser.seen(".sg-folder-name", "Boîte de réception")
    assert browser.language() == "fr"
    browser.seen("md-list-item", reader.subject)
    assert browser.fits()
    browser.picture("sogo-list")
    browser.report("sogo-list")
    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView", reader.text)
    assert browser.fits()
    browser.picture("sogo-message")
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Mail/view")
    if browser.size.mobile:
        browser.click("button[aria-label='Menu bascule']")
    for name in FOLDERS:
        browser.seen("md-sidenav", name)
    browser.picture("sogo-folders")
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
    browser.seen(".sg-event", EVENT)
    assert browser.fits()
    browser.picture("sogo-agenda")
    browser.report("sogo-agenda")
    browser.click("a[aria-label='Quitter']")
    browser.seen("#userfield")
    assert browser.driver.current_url.startswith(browser.url("sso"))
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".sg-folder-name")


def test_an_agent_finds_a_published_calendar_beside_the_own(browser: Browser, reader: Reader, site: Site) -> None:
    here, name, calendars = school(), f"Examens {token()}", Calendars(site)
    agent = reader.agent("convergence", letters=False, establishments=(here,))
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris")).date()
    days = (f"{day:%Y%m%d}" for day in (today, today + datetime.timedelta(days=2)))
    try:
        calendars.publish("-", name, f"uai={here}", "--colour", "#18753c", given=file("Brevet blanc", *days))
        browser.open("groupware")
        enter(browser, agent.uid, agent.password)
        browser.seen(".sg-folder-name", "Boîte de réception")
        browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
        browser.seen(".sg-event", "Brevet blanc")
        if browser.size.mobile:
            browser.click("button[aria-label='Menu bascule']")
        browser.seen("md-sidenav", "Abonnements")
        browser.seen(".sg-calendar-list-item", name)
        browser.picture("sogo-published")
    finally:
        calendars.clear()


STRAY = """
const script = document.createElement('script');
script.textContent = `setTimeout(() => {
  window.mpRan = ['script'];
  const button = document.createElement('button');
  button.setAttribute('onclick', 'window.mpRan.push("attribute")');
  document.body.append(button);
  button.click();
  try { new Function('window.mpRan.push("text")')(); } catch (error) { }
  window.mpDone = true;
})`;
document.body.append(script);
"""
"""Tries a stray attribute and a text that is compiled, later: no policy binds what the browser's driver runs itself."""


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_no_page_needs_what_the_policy_refuses(browser: Browser, reader: Reader, agent: Account) -> None:
    browser.open("groupware")
    enter(browser, agent.uid, agent.password)
    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView", reader.text)
    browser.click("button.md-fab[aria-label='Écrire un nouveau message']")
    browser.click("md-fab-actions button", "open_in_browser")
    browser.seen("input[name='from']")
    browser.picture("sogo-compose")
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
    browser.click(".sg-event", EVENT)
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Contacts/view")
    browser.seen(".sg-folder-name")
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Preferences")
    browser.seen("md-sidenav")
    assert browser.violations() == []
    browser.driver.execute_script(STRAY)
    browser.wait(lambda: browser.driver.execute_script("return window.mpDone"), "the stray script does not run")
    assert browser.driver.execute_script("return window.mpRan") == ["script"]
    assert [line.split()[:2] for line in browser.violations()] == [
        ["script-src-attr", "inline"],
        ["script-src", "eval"],
    ]


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_the_page_that_was_wanted_is_opened_and_again_after_the_session(
    browser: Browser, agent: Account, site: Site
) -> None:
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
    enter(browser, agent.uid, agent.password)
    browser.seen(".sg-event", EVENT)
    site.run("mail1", f"rm /run/malleposte-sogo-sessions/{agent.uid}.*")
    # A question of the page in the background is refused; the page comes anew, since the log-in page knows the agent.
    browser.driver.execute_script("angular.element(document.body).injector().get('$http').get('../jsonDefaults')")
    browser.wait(
        lambda: (
            site.run("mail1", f"ls /run/malleposte-sogo-sessions | grep -c ^{agent.uid}", check=False).strip() == "1"
        ),
        "no new session",
    )
    browser.seen(".sg-event", EVENT)


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_one_log_in_opens_the_portal_and_the_webmail_of_the_class(
    browser: Browser, reader: Reader, agent: Account
) -> None:
    browser.open("portal", "/compte")
    enter(browser, agent.uid, agent.password)
    browser.wait(lambda: browser.driver.current_url.startswith(browser.url("portal")), "the portal")
    browser.open("webmail")
    browser.seen("md-list-item", reader.subject)
    assert browser.driver.current_url.startswith(browser.url("groupware"))


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_who_has_no_sogo_ends_in_the_other_webmail(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube")
    browser.open("portal", "/compte")
    enter(browser, agent.uid, agent.password)
    browser.open("groupware")
    browser.seen("#messagelist tbody tr", reader.subject)
    assert browser.driver.current_url.startswith(browser.url("webmail"))


def test_a_delegate_chooses_the_box_as_sender(browser: Browser, reader: Reader, people: People, site: Site) -> None:
    agent = reader.agent("convergence", letters=False)
    box = people.box(agent.uid, name="Collège")
    site.run("mail1", "systemctl start malleposte-sogo-senders.service")
    browser.open("groupware")
    enter(browser, agent.uid, agent.password)
    browser.seen(".sg-folder-name", "Boîte de réception")
    browser.click("button.md-fab[aria-label='Écrire un nouveau message']")
    browser.click("md-fab-actions button", "open_in_browser")
    sender = browser.seen("input[name='from']")
    browser.wait(lambda: agent.mail in str(sender.get_attribute("value")), "the agent's own address comes first")
    # The editor begins in the recipients. The cross beside the sender clears it, and all that may be chosen appear.
    begun = "return document.activeElement.closest('md-chips') !== null"
    browser.wait(lambda: browser.driver.execute_script(begun), "the editor does not begin")
    browser.click("md-autocomplete button[type='button']")
    browser.seen("md-virtual-repeat-container li", box.mail)
    browser.picture("sogo-senders")
    browser.click("md-virtual-repeat-container li", box.mail)
    browser.wait(lambda: f"Collège <{box.mail}>" == sender.get_attribute("value"), "the box is the sender")
