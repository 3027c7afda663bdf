"""SOGo on a desktop and on a phone: log in, read a new message, open the agenda, log out; all of it in French."""

import datetime
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, ON_TOP, Browser
from tests.browser.support.sogo import log_in
from tests.browser.support.sso import enter_at
from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.support.contrast import contrast

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


CHOSEN = """
const parts = colour => colour.match(/[\\d.]+/g).map(Number), style = one => getComputedStyle(one);
const row = document.querySelector(".sg-message-list-item.md-bg");
const words = [...row.querySelectorAll(".sg-tile-content :not(md-icon, :has(*))")].filter(one => one.innerText.trim());
return [parts(style(row).backgroundColor), words.map(one => [one.innerText, parts(style(one).color)])];
"""


LEAVING = "window.dispatchEvent(new Event('beforeunload'));"
ASKED = """
const told = answer => arguments[0]([answer.status, sessionStorage.getItem("mp-reload")]);
angular.element(document.body).injector().get("$http").get("../jsonDefaults").then(told, told);
"""
"""Ask a question of the page; its status, and when the page was last asked for anew."""


def faint(browser: Browser) -> list[str]:
    """The words of the chosen message in the list that cannot be read well: contrast below 4.5 (WCAG 1.4.3)."""

    def over(colour: list[float], below: list[float]) -> list[float]:
        part = colour[3] if len(colour) > 3 else 1.0
        return [one * part + under * (1 - part) for one, under in zip(colour, below, strict=False)]

    shade, words = browser.driver.execute_script(CHOSEN)
    ground = over(shade, [255.0] * 3)
    assert words
    return [text for text, ink in words if contrast(over(ink, ground), ground) < 4.5]


def test_an_agent_reads_what_just_came_and_opens_the_agenda(browser: Browser, reader: Reader, agent: Account) -> None:
    enter_at(browser, agent, "groupware")
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
    if not browser.size.mobile:  # on a phone the message covers the list
        assert faint(browser) == []
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Mail/view")
    if browser.size.mobile:
        browser.click("button[aria-label='Ouvrir ou fermer le menu']")
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


@pytest.mark.full
def test_an_agent_finds_a_published_calendar_beside_the_own(browser: Browser, reader: Reader, site: Site) -> None:
    here, name, calendars = school(), f"Examens {token()}", Calendars(site)
    agent = reader.agent("convergence", letters=False, establishments=(here,))
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris")).date()
    days = (f"{day:%Y%m%d}" for day in (today, today + datetime.timedelta(days=2)))
    try:
        calendars.publish("-", name, f"uai={here}", "--colour", "#18753c", given=file("Brevet blanc", *days))
        enter_at(browser, agent, "groupware")
        browser.seen(".sg-folder-name", "Boîte de réception")
        browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
        assert ground(browser, "Brevet blanc") == "#18753c"
        if browser.size.mobile:
            browser.click("button[aria-label='Ouvrir ou fermer le menu']")
        browser.seen("md-sidenav", "Abonnements")
        browser.seen(".sg-calendar-list-item", name)
        browser.picture("sogo-published")
    finally:
        calendars.clear()


BANNER = "md-card-content > .malleposte-banner"
HOSTILE = """<html><head><style>
p, .malleposte-banner, md-card-content > * { display: none; }
@media all { .malleposte-banner { display: none; } }
a { color: red; .malleposte-banner:not(&) { display: none; } }
</style></head><body>
<div style="position: fixed; top: 0; left: 0; width: 100%; height: 100%; z-index: 9; background: white">Devant</div>
<div style="margin-top: -900px; height: 900px; background: white; position: relative; z-index: 9">Dessus</div>
<div class="mine">Le texte de Paul</div>
<a href="https://vol.lointain.test/entrer">https://portail.ac-exemple.test/</a>
</body></html>"""
"""A message that would cover what stands above it, hide it by rules that leave the message, and lead elsewhere."""


def read(browser: Browser, agent: Account, subject: str, text: str) -> None:
    """Open a message of the inbox, from the list."""
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Mail/view")
    browser.click("md-list-item", subject)
    browser.seen("#detailView", text)


@pytest.mark.full
def test_the_origin_of_a_message_is_said_above_it(browser: Browser, reader: Reader, people: People, mail: Mail) -> None:
    agent, colleague, word = reader.agent("convergence"), people.agent(), token()
    inside = compose(colleague.mail, agent.mail, f"Réunion {word}", "À jeudi.")
    assert mail.submit(colleague, colleague.mail, agent.mail, inside).accepted
    mail.arrived(agent, word)
    forged = compose("Rectorat <rectorat@ac-exernple.test>", agent.mail, f"Urgent {word}", HOSTILE)
    mail.imap(agent).append("INBOX", None, None, forged.replace(b"text/plain", b"text/html"))
    enter_at(browser, agent, "groupware")
    browser.seen(".sg-folder-name", "Boîte de réception")

    read(browser, agent, reader.subject, reader.text)
    told = browser.seen(BANNER, "Ce message vient de l’extérieur de l’académie (noel.boeuf@lointain.test)")
    browser.click(f"{BANNER} summary")
    browser.seen(f"{BANNER} li", "Signature du domaine (DKIM) : vérifié")
    assert "Rien ne prouve" not in told.text
    assert browser.fits()
    browser.picture("sogo-outside")
    browser.report("sogo-message")
    assert not [one for one in browser.barriers() if "malleposte-banner" in one]

    read(browser, agent, f"Urgent {word}", "Le texte de Paul")
    for said in ("ressemble à une adresse de l’académie", "Rien ne prouve", "mène à « vol.lointain.test »"):
        assert browser.driver.execute_script(ON_TOP, browser.seen(f"{BANNER}.grave p", said))
    assert browser.fits()
    browser.picture("sogo-look-alike")

    read(browser, agent, f"Réunion {word}", "À jeudi.")
    assert not any(one.is_displayed() for one in browser.driver.find_elements(By.CSS_SELECTOR, BANNER))
    browser.picture("sogo-inside")
    assert browser.violations() == []
    asked = {urlsplit(url) for _, url, _ in browser.requests()}
    assert {url.hostname for url in asked if url.scheme == "https"} <= set(browser.names.values())


SHADES = """
const [event, text] = arguments, words = document.createTreeWalker(event, NodeFilter.SHOW_TEXT);
while (words.nextNode() && !words.currentNode.data.includes(text));
const parts = colour => colour.match(/\\d+/g).slice(0, 3).map(Number), style = getComputedStyle(event);
const ink = getComputedStyle(words.currentNode.parentElement).color;
return [parts(style.backgroundColor), parts(ink), Number(style.opacity)];
"""
"""The background of an element, the colour of a text in it, and how far both cover the page."""
LISTED = """
const done = arguments[0];
angular.element(document.body).injector().get('$http').get('calendarslist')
  .then(answer => done(answer.data.calendars.map(one => one.color.toLowerCase())));
"""


def ground(browser: Browser, text: str) -> str:
    """The background of an event, on which its text can be read; the page behind it is white."""
    shade, ink, part = browser.driver.execute_script(SHADES, browser.seen(".sg-event", text), text)
    seen = ([one * part + 255 * (1 - part) for one in colour] for colour in (shade, ink))
    assert contrast(*seen) >= 4.5, (text, shade, ink, part)
    return "#" + "".join(f"{one:02x}" for one in shade)


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
@pytest.mark.full
def test_no_agenda_is_grey(browser: Browser, agent: Account, site: Site, ca_bundle: Path) -> None:
    agenda, today = Groupware(site, ca_bundle, agent), datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris"))
    name, uid = f"projets-{token()}", token()
    assert agenda.request("MKCALENDAR", agenda.dav(f"Calendar/{name}/"), basic=True).status == 201
    text = event(uid, "Sortie au musée", start=f"{today:%Y%m%d}T110000", end=f"{today:%Y%m%d}T123000")
    assert agenda.put(f"Calendar/{name}/{uid}.ics", text, "text/calendar") == 201
    enter_at(browser, agent, "groupware")
    browser.seen(".sg-folder-name", "Boîte de réception")
    browser.open("groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
    own, other = ground(browser, EVENT), ground(browser, "Sortie au musée")
    browser.picture("sogo-colours")
    assert own == "#000091"
    assert other not in {own, "#aaaaaa"}
    # The list that the page asks for later has them too.
    listed = browser.driver.execute_async_script(LISTED)
    assert {own, other} <= set(listed)
    assert "#aaaaaa" not in listed


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
@pytest.mark.full
def test_no_page_needs_what_the_policy_refuses(browser: Browser, reader: Reader, agent: Account) -> None:
    enter_at(browser, agent, "groupware")
    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView", reader.text)
    browser.click("button.md-fab[aria-label='Écrire un nouveau message']")
    browser.click("md-fab-actions button", "open_in_browser")
    browser.seen("select.mp-sender")
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
@pytest.mark.full
def test_the_page_that_was_wanted_is_opened_and_again_after_the_session(
    browser: Browser, agent: Account, site: Site
) -> None:
    enter_at(browser, agent, "groupware", f"/SOGo/so/{agent.uid}/Calendar/view")
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
@pytest.mark.full
def test_a_question_that_a_log_out_overtakes_does_not_stop_it(browser: Browser, agent: Account, site: Site) -> None:
    """The page would come anew in place of the log-out, and lead back with a code of the log-in that ends."""
    log_in(browser, agent)
    browser.driver.execute_script(LEAVING)
    site.run("mail1", f"rm /run/malleposte-sogo-sessions/{agent.uid}.*")
    assert browser.driver.execute_async_script(LEAVING + ASKED) == [401, None], "no new page is asked for"


def test_one_log_in_opens_the_portal_and_the_webmail_of_the_class(
    browser: Browser, reader: Reader, agent: Account
) -> None:
    enter_at(browser, agent, "portal", "/compte")
    browser.wait(lambda: browser.driver.current_url.startswith(browser.url("portal")), "the portal")
    browser.open("webmail")
    browser.seen("md-list-item", reader.subject)
    assert browser.driver.current_url.startswith(browser.url("groupware"))
