"""The strength tester: rules ticked, guesses told, a passphrase; nothing that is typed leaves the browser."""

import secrets

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import for_everyone
from tests.stack.support import typed_secrets

PAGE = "/motdepasse/robustesse"
WEAK = "Azerty12"


def score(browser: Browser) -> str:
    """The score of the tester; empty while it has none."""
    return str(browser.driver.find_element(By.CSS_SELECTOR, ".strength").get_attribute("data-score"))


def states(browser: Browser) -> dict[str, str]:
    """The state of each rule: info, error, valid."""
    shown = browser.driver.find_elements(By.CSS_SELECTOR, "[data-rule]")
    return {str(one.get_attribute("data-rule")): str(one.get_attribute("class")).rpartition("--")[2] for one in shown}


def test_rules_are_ticked_and_guesses_told(browser: Browser) -> None:
    browser.open("portal", PAGE)
    assert set(states(browser).values()) == {"info"}
    browser.picture("portal-strength")
    browser.seen("#new").click()
    browser.seen(".strength__level", "Tapez")
    browser.seen("#new").send_keys(WEAK)
    browser.wait(lambda: score(browser), "no score comes")
    told = states(browser)
    assert {name for name, state in told.items() if state == "error"} == {"length", "special", "common"}
    assert {name for name, state in told.items() if state == "info"} == {"history", "renewal"}
    assert int(score(browser)) < 3
    assert browser.seen(".strength__advice").text
    browser.driver.execute_script("document.querySelector('.strength').scrollIntoView({block: 'end'})")
    browser.picture("portal-strength-weak")
    for_everyone(browser)
    browser.click(".strength__offer")
    browser.click(".strength__use")
    browser.wait(lambda: score(browser) == "4", "a passphrase is not strong")
    assert set(states(browser).values()) == {"valid", "info"}
    browser.picture("portal-strength-phrase")
    for_everyone(browser)
    assert browser.complaints() == []


def test_own_names_count(browser: Browser) -> None:
    browser.open("portal", PAGE)
    browser.seen("#surname").send_keys("Lefèvre")
    browser.seen("#new").send_keys("Tulipe-Lefevre-47")
    browser.wait(lambda: states(browser)["names"] == "error", "the name is not found")
    browser.seen("#surname").clear()
    browser.seen("#surname").send_keys("Martin")
    browser.wait(lambda: states(browser)["names"] == "valid", "another name is found")


@pytest.mark.parametrize("path", [PAGE, "/motdepasse/oublie"])
def test_nothing_that_is_typed_leaves_the_browser(browser: Browser, path: str) -> None:
    typed = "Zx-" + secrets.token_hex(8)
    typed_secrets.noted(password=typed)
    browser.open("portal", path)
    browser.seen("#new").send_keys(typed[:4])
    browser.wait(lambda: score(browser), "no score comes")
    loading = browser.requests()
    assert [one for one in loading if one[1].endswith(".json")], "the network is not seen"
    assert {method for method, _url, _body in loading} == {"GET"}
    browser.seen("#new").send_keys(typed[4:])
    browser.wait(lambda: score(browser) in ("3", "4"), "no new score comes")
    assert browser.requests() == []
    assert not [one for one in loading if typed[:4] in one[1] or one[2]]
    sites = {url.split("/")[2] for _method, url, _body in loading if url.startswith("http")}
    assert sites == {browser.names["portal"]}


def test_before_a_field_is_used_nothing_of_it_is_loaded(browser: Browser) -> None:
    browser.open("portal", "/motdepasse/oublie")
    browser.seen("#numen").send_keys("21A")
    assert not [url for _method, url, _body in browser.requests() if "zxcvbn" in url or "robustesse" in url]


def test_the_password_can_be_shown(browser: Browser) -> None:
    browser.open("portal", PAGE)
    browser.seen("#new").send_keys(WEAK)
    assert browser.seen("#new").get_attribute("type") == "password"
    browser.driver.execute_script("document.querySelector('#new-show').click()")
    assert browser.seen("#new").get_attribute("type") == "text"
