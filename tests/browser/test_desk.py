"""The help desk in a browser: search, sheet, a code read aloud, lists, boxes; on a desktop and on a telephone."""

import secrets
from typing import Any

import pytest
from malleposte.directory.model import State
from selenium.webdriver.common.by import By

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import looked_at
from tests.browser.support.forms import type_in
from tests.browser.support.sso import enter_at
from tests.browser.test_second_factors import type_code
from tests.stack.support import typed_secrets
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.academy import uai


def open_desk(browser: Browser, site: Site, web: Web, who: Any, school: str) -> None:
    """Make somebody the help desk of a school; he or she logs in by a second factor and opens its pages."""
    application = enrolled(site, web, who)
    Cli(site).json("role", "grant", who.uid, "helpdesk", "--school", school, "--reason", "essai")
    enter_at(browser, who.account, "portal", "/compte")
    type_code(browser, application.code())
    browser.seen("h1", "Mon compte")
    browser.click("a", "Ouvrir l’assistance", heading="Assistance")


def find(browser: Browser, uid: str) -> None:
    """Search for an agent, and open the sheet."""
    looked_at(browser, "desk-search")
    type_in(browser, text=uid)
    browser.click("main form button")
    browser.seen("#found")
    looked_at(browser, "desk-found")
    browser.click(".cards a")
    browser.seen("h2", "Diagnostic")
    looked_at(browser, "desk-sheet")
    browser.driver.back()
    browser.seen("#found")
    browser.driver.forward()
    browser.seen("h2", "Diagnostic")


def read_aloud(browser: Browser) -> str:
    """Give a code on the telephone: refused before the agent was called back, then shown."""
    browser.click("a", "Donner un code", heading="Donner un code")
    browser.click("label[for=way-1]")
    type_in(browser, reason="demande 4711")
    browser.click("main form button")
    browser.seen("#errors", "Rappelez d’abord")
    looked_at(browser, "desk-code-refused")
    browser.click("label[for=called_back]")
    browser.click("main form button")
    code = browser.seen("#secret").text
    typed_secrets.noted(code=code)
    looked_at(browser, "desk-code")
    # A reload shows nothing and makes nothing.
    browser.driver.refresh()
    browser.seen("main", "n’est affiché qu’une fois")
    looked_at(browser, "desk-code-shown")
    browser.seen("h2", "Seconds facteurs")
    return code


def test_a_call_is_answered(browser: Browser, person: Any, site: Site, ca_bundle: Any) -> None:
    school, web = uai(5000 + secrets.randbelow(5000)), Web(ca_bundle)
    caller = person(mpEstablishment=[school], mpRecoveryMail=["marie@exemple.test"])
    enrolled(site, web, caller)
    open_desk(browser, site, web, person(mpEstablishment=[school]), school)
    find(browser, caller.uid)
    code = read_aloud(browser)
    assert len(code) == 11
    assert code not in browser.driver.page_source
    browser.click("a", "Supprimer", heading="Supprimer un second facteur")
    looked_at(browser, "desk-factor")
    type_in(browser, reason="téléphone perdu")
    browser.click("main form button")
    browser.seen("main", "est supprimé")


@pytest.mark.full
def test_a_school_s_agents_are_listed(browser: Browser, person: Any, site: Site, ca_bundle: Any) -> None:
    school = uai(5000 + secrets.randbelow(5000))
    waits = person(State.PENDING, mpEstablishment=[school])
    open_desk(browser, site, Web(ca_bundle), person(mpEstablishment=[school]), school)
    browser.section("Listes par établissement")
    browser.seen("h1", "Listes par établissement")
    type_in(browser, school=school)
    browser.click("label[for=state-3]")
    browser.click("main form button")
    browser.seen("#found")
    assert waits.uid in browser.driver.find_element(By.CSS_SELECTOR, "main").text
    looked_at(browser, "desk-list")


def test_a_school_s_box_is_opened_to_an_agent(
    browser: Browser, person: Any, people: People, site: Site, ca_bundle: Any
) -> None:
    school = uai(5000 + secrets.randbelow(5000))
    near, box = person(mpEstablishment=[school]), people.box(establishments=(school,))
    open_desk(browser, site, Web(ca_bundle), person(mpEstablishment=[school]), school)
    browser.section("Boîtes d’un établissement")
    browser.seen("h1", "Boîtes d’un établissement")
    type_in(browser, school=school)
    browser.click("main form button")
    browser.seen("#found")
    looked_at(browser, "desk-boxes")
    browser.click(".cards a")
    browser.seen("main", "Personne n’ouvre cette boîte")
    browser.click("a", "Ouvrir la boîte à un agent", heading="Ouvrir la boîte à un agent")
    type_in(browser, agent="nul-ne-porte-ce-nom")
    type_in(browser, reason="demande 4711")
    browser.click("main form button")
    browser.seen("#errors", "de votre périmètre")
    looked_at(browser, "desk-delegate-refused")
    type_in(browser, agent=near.uid)
    browser.click("main form button")
    browser.seen("main", "La boîte est ouverte à l’agent")
    looked_at(browser, "desk-box")
    assert near.held("mpOpens") == {"mpOpens": [box.uid]}
    browser.click("a", "Retirer", heading="Retirer la boîte à un agent")
    looked_at(browser, "desk-undelegate")
    type_in(browser, reason="muté")
    browser.click("main form button")
    browser.seen("main", "L’agent n’ouvre plus la boîte")
    assert near.held("mpOpens") == {}
