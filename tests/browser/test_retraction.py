"""« Retirer des messages » in a browser, for a person of the DSI: from the plan to the way back."""

from collections.abc import Callable
from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.browser.test_second_factors import type_code
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Site
from tests.stack.support.web import Web


def settled(browser: Browser, words: str) -> None:
    """See words of the page, once nothing is being done."""

    def shown() -> bool:
        text = browser.seen("main").text
        if words in text:
            return True
        if "Actualiser" in text:
            browser.click("a", "Actualiser")
        return False

    browser.wait(shown, words)


def test_a_message_is_taken_back_and_given_back(
    browser: Browser, person: Callable[..., Any], people: Any, mail: Mail, site: Site, ca_bundle: Any
) -> None:
    who, reader, word = person(), people.agent(), token()
    sender = f"{word}@lointain.test"
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, "Votre boîte est pleine", "Confirmez ici."))
    mail.arrived(reader, "pleine")
    application = enrolled(site, Web(ca_bundle), who)
    Cli(site).json("role", "grant", who.uid, "dsi", "--reason", "essai")
    enter_at(browser, who.account, "portal", "/compte")
    type_code(browser, application.code())
    browser.click("a", "Retirer des messages dangereux", heading="Retirer des messages")
    browser.click("a", "Préparer un retrait", heading="Préparer un retrait")
    checked(browser, "retraction-new")
    browser.write("#sender", sender)
    browser.write("#reason", "Hameçonnage : fausse page de connexion")
    browser.click("button", "Voir le plan")
    settled(browser, "1 boîte a une copie")
    checked(browser, "retraction-plan")
    browser.click("button", "Retirer de 1 boîte")
    settled(browser, "Le message est retiré de 1 boîte")
    checked(browser, "retraction-done")
    assert mail.count(reader, "pleine") == 0
    browser.click("button", "Rendre les messages")
    settled(browser, "Les messages sont rendus aux agents")
    assert mail.count(reader, "pleine") == 1
    browser.click("a", "Retirer des messages", heading="Retirer des messages")
    checked(browser, "retraction-list")
    browser.open("portal", "/en/dsi/retractions")
    browser.seen("h1", "Take messages back")
    assert browser.complaints() == []
