"""The log-in page as an agent uses it: on a desk and on a phone, with the keyboard, with a screen reader."""

from __future__ import annotations

from typing import Any

from malleposte.policy import rules
from selenium.webdriver.common.by import By

from tests.browser.support.browser import Browser
from tests.browser.support.sso import fill


def test_the_page_is_for_everyone(browser: Browser) -> None:
    browser.open("sso")
    browser.seen("main", "Connectez-vous")
    assert browser.language() == "fr"
    assert browser.fits()
    assert browser.barriers() == []
    browser.picture("sso-log-in")


def test_a_wrong_password_is_told_and_the_right_one_opens(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("sso")
    fill(browser, who.uid, rules.generate())
    browser.seen("main", "inexact")
    assert browser.barriers() == []
    browser.picture("sso-refused")
    assert browser.driver.find_element(By.ID, "passwordfield").get_attribute("value") == ""
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Vous êtes connecté")
    assert browser.barriers() == []
    browser.picture("sso-entered")
    cookie = browser.driver.get_cookie("__Host-sso")
    assert cookie is not None and cookie["httpOnly"] and cookie["secure"]
    browser.click("a", "Se déconnecter")
    browser.seen("main", "Vous êtes déconnecté")
