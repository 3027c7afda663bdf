"""« Filtrage » in a browser: the level changes, a sender is refused, blocked and taken away again."""

from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints
from tests.browser.support.sso import enter_at


def add(browser: Browser, sender: str) -> None:
    browser.seen("#value").clear()
    browser.seen("#value").send_keys(sender)
    browser.click("button", "Ajouter")


def test_an_agent_chooses_what_is_unwanted(browser: Browser, person: Any) -> None:
    who = person()
    enter_at(browser, who.account, "portal", "/compte/filtrage")
    browser.seen("h1", "Filtrage")
    checked(browser, "portal-filtering")
    browser.click("label", "Strict")
    browser.click("button", "Changer le niveau")
    browser.seen(".fr-alert--success")
    add(browser, "ac-exemple.test")
    browser.seen("#value-error", "ne peuvent pas être bloqués")
    checked(browser)
    add(browser, "Pub.Lointain.TEST")
    browser.seen(".fr-alert--success")
    browser.seen("main", "pub.lointain.test")
    checked(browser, "portal-filtering-chosen")
    browser.open("portal", "/en/account/filtering")
    browser.seen("main", "Blocked senders")
    browser.click("label", "pub.lointain.test")
    browser.click("button", "Remove the ticked senders")
    browser.seen("main", "No blocked sender.")
    browser.open("portal", "/compte/journal")
    browser.seen("main", "Filtrage des messages changé")
    browser.seen("main", "expéditeur bloqué")
    assert complaints(browser) == []
