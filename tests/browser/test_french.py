"""Both webmails in one language: no view has a word that is not said in France, and a folder has one name in both."""

import re

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.sso import enter, enter_at

FORBIDDEN = re.compile(
    r"\b(pourriels?|soutien|fureteur|présentement|collecticiel|témoins|tags?|clavardage)\b", re.IGNORECASE
)
"""Words that are not said in France."""
IN_WEBMAIL = re.compile(rf"{FORBIDDEN.pattern}|\bcourriels?\b", re.IGNORECASE)
"""A webmail says « message » besides; « courriel » is the State’s word, for the portal and the log-in page."""
IN_SOGO = re.compile(rf"{IN_WEBMAIL.pattern}|l['’]email|\be-mails?\b|['’]inline['’]", re.IGNORECASE)
"""SOGo's own French has half of the word in English; « email » alone is the name of a picture."""
ENGLISH = re.compile(r"Advanced search|Chips container|Press delete|navigate between tabs|\b(?:Previous|Next) Page\b")
"""Labels that SOGo's pages and their toolkit have in English, whatever the agent's language."""
CAPITAL = re.compile(r"\b(?:Jan|Fév|Mars|Avr|Mai|Juin|Juil|Août|Sep|Oct|Nov|Déc)")
"""A month as no sentence in France has it."""
FOLDERS = ("Boîte de réception", "Brouillons", "Envoyés", "Indésirables", "Corbeille", "Archives")

ROUNDCUBE = {
    "list": "/?_task=mail",
    "compose": "/?_task=mail&_action=compose",
    "contacts": "/?_task=addressbook",
    "settings": "/?_task=settings",
    "preferences": "/?_task=settings&_action=edit-prefs&_section=mailview&_framed=1",
    "preferences-compose": "/?_task=settings&_action=edit-prefs&_section=compose&_framed=1",
    "preferences-labels": "/?_task=settings&_action=edit-prefs&_section=thunderbird_labels&_framed=1",
    "preferences-server": "/?_task=settings&_action=edit-prefs&_section=server&_framed=1",
    "folders": "/?_task=settings&_action=folders",
    "filters": "/?_task=settings&_action=plugin.managesieve",
    "vacation": "/?_task=settings&_action=plugin.managesieve-vacation",
    "ready": "/?_task=settings&_action=plugin.malleposte-ready",
    "undelete": "/?_task=settings&_action=plugin.malleposte-undelete",
    "password": "/?_task=settings&_action=plugin.malleposte-password",
}
SOGO = (
    "Mail/view",
    "Calendar/view",
    "Contacts/view",
    "Preferences#!/general",
    "Preferences#!/mailer",
    "Preferences#!/calendars",
)


def strange(browser: Browser, words: re.Pattern[str] = IN_WEBMAIL) -> list[str]:
    """Return the forbidden words of the page, each with what stands around it."""
    text = browser.words()
    assert len(text) > 20
    return [text[max(0, one.start() - 40) : one.end() + 20] for one in words.finditer(text)]


def view(browser: Browser, key: str, path: str, mark: str) -> None:
    """Open a page that bears a mark; again where the browser broke it off, as it does when a network comes or goes."""

    def opened() -> bool:
        browser.open(key, path)
        return bool(browser.driver.find_elements(By.CSS_SELECTOR, mark))

    browser.wait(opened, f"{path} does not show {mark}")
    loaded = "return document.readyState === 'complete' && document.fonts.status === 'loaded'"
    browser.wait(lambda: browser.driver.execute_script(loaded), path)


def days(browser: Browser) -> str:
    """The days and months above the columns, or in the fields, of SOGo's agenda."""
    found = browser.driver.find_elements(By.CSS_SELECTOR, ".dayLabels .md-hue-2, .sg-calendar-tile-header")
    return " ".join(" ".join(str(one.get_attribute("textContent")).split()) for one in found)


def test_roundcube_speaks_french_of_france(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube")
    browser.open("webmail")
    assert strange(browser, FORBIDDEN) == []
    enter(browser, agent.uid, agent.password)
    browser.seen("#messagelist tbody tr", reader.subject)
    names = {
        one.get_attribute("textContent") for one in browser.driver.find_elements(By.CSS_SELECTOR, "#mailboxlist a")
    }
    assert {name for name in FOLDERS if any(name in str(one) for one in names)} == set(FOLDERS)
    for name, path in ROUNDCUBE.items():
        task = "mail" if name in ("list", "compose") else "addressbook" if name == "contacts" else "settings"
        view(browser, "webmail", path, f"body.task-{task}")
        if name == "list":
            browser.seen("#messagelist tbody tr", reader.subject)
        browser.picture(f"roundcube-{name}")
        assert strange(browser) == [], name
        if name in ("list", "compose", "settings", "contacts", "undelete", "ready"):
            browser.report(f"roundcube-{name}")


@pytest.mark.full
def test_sogo_speaks_french_of_france(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("convergence")
    enter_at(browser, agent, "groupware")
    browser.seen("md-list-item", reader.subject)
    text = browser.words()
    assert [name for name in FOLDERS if name not in text] == []
    for place in SOGO:
        view(browser, "groupware", f"/SOGo/so/{agent.uid}/{place}", "script[src*='/SOGo.woa/']")
        browser.seen("md-toolbar")
        name = re.sub(r"\W+", "-", place.lower())
        browser.picture(f"sogo-{name}")
        assert strange(browser, IN_SOGO) == [], place
        browser.wait(lambda: not ENGLISH.search(browser.words()), f"{place} has English labels")
        browser.report(f"sogo-{name}")
    for look in ("week", "month"):
        view(browser, "groupware", f"/SOGo/so/{agent.uid}/Calendar/view#!/calendar/{look}/20271201", "md-toolbar")
        browser.wait(lambda: days(browser), f"no {look} is shown")
        browser.wait(lambda: not CAPITAL.search(days(browser)), f"the {look} has months with a capital")
        browser.picture(f"sogo-{look}")
    browser.wait(lambda: "1er décembre" in days(browser), "the month begins as in France")
