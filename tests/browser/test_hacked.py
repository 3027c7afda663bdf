"""« J’ai été piraté » in a browser: the proof, the choices, the end; on a desktop and a telephone, by keyboard too."""

from dataclasses import replace
from typing import Any

import pytest
from malleposte.policy import rules
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill, human
from tests.stack.support.mail import Mail, token
from tests.support.human import answers
from tests.support.page import Page


def account_after_theft(mail: Mail, who: Any) -> str:
    """Leave a forward and an inbox that is open to another; the address of the forward."""
    attacker, sieve = f"{token()}@lointain.test", mail.sieve(who.account)
    sieve.put("roundcube", f'redirect "{attacker}";\n')
    sieve.activate("roundcube")
    assert mail.imap(who.account).setacl("INBOX", "probe1", "lr")[0] == "OK"
    return attacker


def choose(browser: Browser, head: str, words: str) -> None:
    """Choose in the card of a heading, by the keyboard."""
    cards = browser.driver.find_elements(By.CSS_SELECTOR, ".cards li")
    (card,) = [one for one in cards if head in one.text]
    (label,) = [one for one in card.find_elements(By.TAG_NAME, "label") if words in one.text]
    browser.driver.find_element(By.ID, label.get_attribute("for") or "").send_keys(Keys.SPACE)


def test_an_account_is_taken_back(browser: Browser, person: Any, mail: Mail, enters: Any, site: Any) -> None:
    who, new = person(mpProfile=["roundcube"]), rules.generate()
    attacker, code = account_after_theft(mail, who), who.code()
    browser.open("portal")
    browser.click(".tiles a", "J’ai été piraté", heading="J’ai été piraté")
    human(browser)
    checked(browser, "portal-hacked")
    fill(browser, numen=who.numen, code="AAAAA-22222", new=new, again=new)
    browser.seen("#errors", "ne permettent pas de vous reconnaître")
    checked(browser)
    fill(browser, numen=who.numen, code=code, new=new, again=new)

    browser.seen("h1", "Vérifier mon compte")
    browser.seen("main", attacker)
    checked(browser, "portal-hacked-check")
    browser.click("form button[type=submit]", "Valider mes choix")
    browser.seen("#errors")
    checked(browser)
    choose(browser, "Un renvoi automatique", "Supprimer")
    choose(browser, "Un dossier de courrier partagé", "Garder")
    browser.click("form button[type=submit]", "Valider mes choix", heading="Votre compte est de nouveau à vous")
    checked(browser, "portal-hacked-end")
    assert complaints(browser) == []
    assert enters(who.uid, new)
    assert "redirect" not in site.run("mail1", f"cat /srv/mail/*/{who.uid}/sieve/roundcube.sieve")
    assert b"probe1" in b" ".join(mail.imap(replace(who.account, password=new)).getacl("INBOX")[1])


@pytest.mark.full
def test_without_javascript_the_path_is_the_same(browser: Browser, person: Any, mail: Mail) -> None:
    who, new = person(mpProfile=["roundcube"]), rules.generate()
    account_after_theft(mail, who)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.open("portal", "/pirate")
    browser.seen("#human-question", "Combien font")
    answer = answers(Page(browser.driver.page_source))["answer"]
    fill(browser, numen=who.numen, code=who.code(), new=new, again=new, answer=answer)
    browser.seen("h1", "Vérifier mon compte")
    choose(browser, "Un renvoi automatique", "Supprimer")
    choose(browser, "Un dossier de courrier partagé", "Supprimer")
    browser.click("form button[type=submit]", "Valider mes choix")
    browser.seen("main", "2 réglages sont supprimés")
