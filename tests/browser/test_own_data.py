"""« Mes données » in a browser: a copy is asked for, is ready by itself, is downloaded and removed."""

import time
from typing import Any

from malleposte.policy import rules

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at

PATIENCE = 180
# The answer to the button: status, kind and first letters of the file.
FETCHED = """
const done = arguments[0], form = document.querySelector("form[action$='/telecharger']");
fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))}).then(async answer => {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  done([answer.status, answer.headers.get("Content-Type"), String.fromCharCode(bytes[0], bytes[1])]);
});
"""


def test_an_agent_gets_a_copy_of_the_own_data(browser: Browser, person: Any) -> None:
    who = person()
    enter_at(browser, who.account, "portal", "/compte/donnees")
    browser.seen("h1", "Mes données")
    browser.seen("main", "Vous n’avez pas encore demandé de copie")
    checked(browser, "portal-own-data")
    fill(browser, password=rules.generate())
    browser.seen("#errors", "Mot de passe inexact")
    checked(browser)
    fill(browser, password=who.account.password)
    browser.wait(lambda: "La copie" in browser.words(), "nothing is asked for")
    checked(browser)

    until = time.monotonic() + PATIENCE
    while "La copie est prête" not in browser.words():
        assert time.monotonic() < until, browser.words()
        time.sleep(2)
        browser.open("portal", "/compte/donnees")
    checked(browser, "portal-own-data-ready")
    assert browser.driver.execute_async_script(FETCHED) == [200, "application/zip", "PK"]
    browser.open("portal", "/en/account/data")
    browser.seen("h1", "My data")
    browser.seen("main", "You can ask for another copy from")
    browser.open("portal", "/compte/donnees")
    browser.click("main button", "Supprimer cette copie")
    browser.seen(".fr-alert--success", "La copie est supprimée")
    checked(browser)
    assert complaints(browser) == []
