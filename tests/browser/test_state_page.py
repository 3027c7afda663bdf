"""« État de la plateforme » in a browser, for the DSI: what is drawn is said, and nobody finds a barrier."""

import time
from collections.abc import Callable
from typing import Any

from selenium.webdriver.common.by import By

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import for_everyone, looked_at
from tests.browser.support.sso import enter_at
from tests.browser.test_second_factors import type_code
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled
from tests.stack.support.site import Site
from tests.stack.support.web import Web

PATIENCE = 120.0
"""Seconds for a vault to have measured anything of a new lab."""


def drawn(browser: Browser) -> list[str]:
    """The sentences of the graphs, once the page has any."""
    end = time.monotonic() + PATIENCE
    while True:
        found = browser.driver.find_elements(By.CSS_SELECTOR, "svg[role=img]")
        if found or time.monotonic() > end:
            return [str(one.get_attribute("aria-label")) for one in found]
        browser.driver.refresh()
        browser.seen("h1", "État de la plateforme")


def test_a_person_of_the_dsi_sees_the_platform(
    browser: Browser, person: Callable[..., Any], site: Site, ca_bundle: Any
) -> None:
    who, web = person(), Web(ca_bundle)
    application = enrolled(site, web, who)
    Cli(site).json("role", "grant", who.uid, "dsi", "--reason", "essai")
    enter_at(browser, who.account, "portal", "/compte")
    type_code(browser, application.code())
    browser.seen("h1", "Mon compte")
    browser.click("a", "Voir l’état de la plateforme", heading="État de la plateforme")
    sentences = drawn(browser)
    assert sentences and len(set(sentences)) == len(sentences)
    text = browser.driver.find_element(By.CSS_SELECTOR, "main").text
    for sentence in sentences:
        assert " ".join(sentence.split()) in " ".join(text.split()), "it stands below, for whoever sees no drawing well"
    looked_at(browser, "state")
    for one in browser.driver.find_elements(By.CSS_SELECTOR, "details.measured summary")[:2]:
        one.click()
    looked_at(browser, "state-values")
    for_everyone(browser, "state-everywhere")
    browser.open("portal", "/en/dsi/state")
    browser.seen("h1", "State of the platform")
    looked_at(browser, "state-english", "en")


def test_without_a_factor_the_page_says_how_to_prove_again(
    browser: Browser, person: Callable[..., Any], site: Site
) -> None:
    who = person()
    enter_at(browser, who.account, "portal", "/compte")
    browser.seen("h1", "Mon compte")
    # The role came during the log-in, which was by the password alone.
    Cli(site).json("role", "grant", who.uid, "dsi", "--reason", "essai")
    browser.open("portal", "/dsi/etat")
    browser.seen("main", "demande un second facteur")
    looked_at(browser, "state-closed")
    assert browser.driver.find_elements(By.LINK_TEXT, "Me connecter de nouveau") == []
    browser.click("header button", "Se déconnecter", heading="Vous êtes déconnecté")
