"""The log-in page as an agent uses it: on a desk and on a phone, with the keyboard, with a screen reader."""

from typing import Any

import pytest
from malleposte.policy import rules
from selenium.webdriver.common.by import By

from tests.browser.support.browser import DESKTOP, SECONDS, Browser
from tests.browser.support.everyone import for_everyone, looked_at
from tests.browser.support.sso import fill


def test_the_page_is_for_everyone(browser: Browser) -> None:
    browser.open("sso")
    browser.seen("main", "Connectez-vous")
    assert browser.language() == "fr"
    for_everyone(browser, "sso-log-in")


def test_a_wrong_password_is_told_and_the_right_one_opens(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("sso")
    mark = browser.driver.get_cookie("__Host-browser")
    assert mark is not None and mark["httpOnly"] and mark["secure"] and mark["sameSite"] == "Lax"
    fill(browser, who.uid, rules.generate())
    browser.seen("main", "inexact")
    browser.wait(lambda: browser.driver.switch_to.active_element.get_attribute("id") == "passwordfield", "the focus")
    for_everyone(browser, "sso-refused")
    assert browser.driver.find_element(By.ID, "passwordfield").get_attribute("value") == ""
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Vous êtes connecté")
    for_everyone(browser, "sso-entered")
    cookie = browser.driver.get_cookie("__Host-sso")
    assert cookie is not None and cookie["httpOnly"] and cookie["secure"]
    browser.click("a", "Se déconnecter")
    browser.seen("main", "Vous êtes déconnecté")
    looked_at(browser, "sso-logged-out")
    assert browser.driver.get_cookie("__Host-browser") == mark, "the browser stays known"


def test_the_page_that_says_to_wait_is_for_everyone(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("sso")

    def told_to_wait() -> bool:
        fill(browser, who.uid, rules.generate())
        return "Trop d’essais" in browser.seen("#errormsg").text

    # On a slow machine the first delays are over before the next try comes.
    browser.wait(told_to_wait, "nobody is told to wait", seconds=10 * SECONDS)
    looked_at(browser, "sso-wait")


def test_a_log_out_that_names_no_log_in_is_asked_about(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("sso")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Vous êtes connecté")
    for answer, title in (("Non", "Vous êtes connecté"), ("Oui", "Connexion")):
        browser.open("sso", "/oauth2/logout")
        browser.seen("h1", "Confirmation")
        browser.seen("main p", "Souhaitez-vous vous déconnecter")
        for_everyone(browser, "sso-log-out-asked")
        browser.click("main button", answer, heading=title)


def test_the_page_of_a_refused_service_is_for_everyone(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("sso")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Vous êtes connecté")
    browser.open("sso", "/oauth2/authorize?response_type=code&client_id=inconnu&redirect_uri=x&scope=openid")
    assert browser.seen("[role=alert]").text.strip()
    looked_at(browser, "sso-error")


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_the_pages_are_english_to_an_english_browser(browser: Browser, person: Any) -> None:
    who = person()
    agent = browser.driver.execute_script("return navigator.userAgent")
    browser.driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "en"})
    browser.open("sso")
    browser.seen("h1", "Log in")
    looked_at(browser, "sso-english", "en")
    fill(browser, who.uid, rules.generate())
    browser.seen("main", "Wrong login or password")
    looked_at(browser, "sso-english-refused", "en")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "You are logged in")
    looked_at(browser, "sso-english-entered", "en")
    browser.click("a", "Log out")
    browser.seen("main", "You are logged out")
    looked_at(browser, "sso-english-logged-out", "en")
