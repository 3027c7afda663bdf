"""A notice is read on the portal, the log-in page and in both webmails, which both lead to help and account."""

import contextlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser, adjust
from tests.browser.support.everyone import looked_at
from tests.browser.support.sso import enter
from tests.stack.support.mail import token
from tests.stack.support.site import Site

BAR = ".malleposte-notices"
TEXT = "Mise à jour <b>ce soir</b> & demain"
CLASSES = {"webmail": "roundcube", "groupware": "convergence"}
HELP = {"webmail": "#taskmenu a.help", "groupware": ".sg-toolbar-group-last a[aria-label='Aide']"}
ACCOUNT = {"webmail": "#taskmenu a.account", "groupware": ".sg-toolbar-group-last a[aria-label='Mon compte']"}


@dataclass
class Notices:
    """The commands of an operator on the portal's host."""

    site: Site

    def do(self, *words: str) -> Any:
        """One command; the notices that it names."""
        return json.loads(self.site.run("pia1", shlex.join(["malleposte", "notice", *words, "--json"])))

    @contextlib.contextmanager
    def posted(self, words: str) -> Iterator[None]:
        """A notice of maintenance, until the block ends."""
        (made,) = self.do("add", "maintenance", words, "--en", f"{words} (en)", "--for", "2h")
        try:
            yield
        finally:
            self.do("end", made["id"])


@pytest.fixture
def notices(site: Site) -> Notices:
    """The command line on the portal's host."""
    return Notices(site)


def load(browser: Browser, key: str) -> None:
    """Have the webmail's page anew."""
    browser.open(key)
    if key == "webmail":
        browser.seen("#layout-list" if browser.size.mobile else "#taskmenu")
        roundcube.idle(browser)
    else:
        browser.seen(sogo.WRITE)


def follow(browser: Browser, key: str, way: str, heading: str) -> None:
    """Take a way of the webmail's bar to a page of the portal, which opens in a tab of its own."""
    driver, known = browser.driver, set(browser.driver.window_handles)
    if key == "webmail" and browser.size.mobile:
        browser.click(".task-menu-button")
    # The keyboard reaches it, and a screen reader says its name.
    link = browser.seen(way)
    assert (link.get_attribute("aria-label") or link.text).strip() in ("Aide", "Mon compte")
    driver.execute_script("arguments[0].focus()", link)
    assert driver.switch_to.active_element == link and link.get_attribute("tabindex") != "-1"
    browser.click(way)
    (opened,) = browser.wait(lambda: set(driver.window_handles) - known, "no tab opens")
    driver.switch_to.window(opened)
    adjust(driver, browser.size)
    browser.seen("h1", heading)
    assert driver.current_url.startswith(browser.url("portal"))


@pytest.mark.parametrize("key", CLASSES)
def test_a_notice_is_read_everywhere_and_the_portal_is_a_click_away(
    browser: Browser, reader: Reader, notices: Notices, key: str
) -> None:
    agent, words = reader.agent(CLASSES[key]), f"{TEXT} {token()}"
    with notices.posted(words):
        browser.open("portal")
        browser.seen(".fr-notice", words)
        title = browser.seen(".fr-notice__title").text
        assert title.startswith("Maintenance en cours, jusqu’")

        browser.open(key)
        browser.seen("#userfield")
        assert words in browser.seen(BAR, words).text
        assert title in browser.seen(BAR, words).text.replace("\n", " ")
        looked_at(browser, f"sso-notice-{key}")
        assert browser.complaints() == [], "the software's scripts miss nothing"
        enter(browser, agent.uid, agent.password)

        load(browser, key)
        bar = browser.seen(BAR, words)
        assert title in bar.text and bar.get_attribute("aria-label") == "Annonces"
        assert browser.fits()
        assert browser.barriers(BAR) == []
        assert browser.violations() == []
        browser.picture(f"{key}-notice")
        browser.click(f"{BAR} button", "Masquer")
        browser.wait(lambda: words not in browser.driver.find_element("tag name", "body").text, "it is not hidden")
        # The page has its whole height again.
        browser.seen(roundcube.ROW if key == "webmail" else "md-list-item", reader.subject)
        browser.picture(f"{key}-bar")

    here = browser.driver.current_window_handle
    follow(browser, key, HELP[key], "Le guide des agents")
    assert {"Diagnostiquer mon problème", "J’ai été piraté"} <= {
        one.text for one in browser.driver.find_elements("css selector", "main a")
    }
    browser.picture(f"help-from-{key}")
    browser.driver.close()
    browser.driver.switch_to.window(here)
    load(browser, key)
    follow(browser, key, ACCOUNT[key], "Mon compte")


@pytest.mark.full
def test_a_notice_that_ends_goes_from_a_page_that_is_open(browser: Browser, notices: Notices) -> None:
    words = f"{TEXT} {token()}"
    with notices.posted(words):
        browser.open("sso")
        browser.seen(BAR, words)

    def gone() -> bool:
        browser.open("sso")
        browser.seen("#userfield")
        browser.settled()
        return words not in browser.words()

    # A copy is kept for a minute.
    browser.wait(gone, "it is still there")


@pytest.mark.full
def test_the_log_in_page_speaks_the_other_language_and_keeps_what_was_typed(browser: Browser) -> None:
    browser.open("sso")
    browser.seen("h1", "Connexion")
    browser.write("#userfield", "claire.fontaine")
    browser.click("[data-language=en]")
    browser.seen("h1", "Log in")
    browser.wait(lambda: browser.driver.title.startswith("Log in – "), "the title is French")
    assert browser.driver.find_element("id", "userfield").get_attribute("value") == "claire.fontaine"
    looked_at(browser, "sso-other-language", "en")
    link = browser.seen(".fr-footer__bottom-link", "Accessibility")
    assert link.get_attribute("href") == browser.url("portal", "/en/accessibility")
    browser.open("sso")
    browser.seen("h1", "Log in")
    browser.click("[data-language=fr]")
    browser.seen("h1", "Connexion")
    assert browser.language() == "fr"


@pytest.mark.full
def test_an_address_that_leads_nowhere_is_a_page_for_everyone(browser: Browser) -> None:
    browser.open("sso", "/nulle-part")
    browser.seen("h1", "Page introuvable")
    looked_at(browser, "sso-missing")
    assert browser.seen(".fr-logo").is_displayed() and browser.seen("a", "Aller au portail")
