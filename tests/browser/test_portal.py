"""The portal as everybody uses it: its tiles, the keyboard, a phone, a screen reader."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from malleposte.core.paths import ROOT
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import for_everyone, media

FORMS = ("/", "/diagnostic", "/motdepasse", "/activer", "/motdepasse/code", "/motdepasse/changer", "/pirate")
LAW = ("/accessibilite", "/mentions-legales", "/donnees-personnelles")
GUIDE = ("/guide", "/guide/premiere-connexion")
PAGES = dict.fromkeys((*FORMS, *LAW, *GUIDE), "fr") | {"/en/": "en", "/en/password": "en"}
# The focused element: its kind, its target, and whether the focus is visible. A tile lights up as a whole (`::before`).
FOCUSED = """
const one = document.activeElement, box = one.getBoundingClientRect();
const drawn = style => style.outlineStyle != "none" && parseFloat(style.outlineWidth) > 0;
const lit = [undefined, "::before"].some(part => drawn(getComputedStyle(one, part)));
return [one.tagName, one.href || "", lit && box.width > 0 && box.left >= 0 && box.top >= 0];
"""


def tiles() -> dict[str, Any]:
    """The tiles that the manifest asks for, by service."""
    manifest = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))
    return {name: one["tile"] for name, one in manifest["malleposte_services"].items() if "tile" in one}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everyone(browser: Browser, path: str) -> None:
    def all_answer() -> bool:
        """Open the page anew: hosts that have just booted were looked at within a minute."""
        browser.open("portal", path)
        return "Tous les services répondent" in browser.words()

    browser.open("portal", path)
    if path == "/diagnostic":
        browser.wait(all_answer, "the services do not answer")
        browser.seen("main", "Tous les services répondent")
        browser.picture("portal-diagnosis")
    assert browser.language() == PAGES[path]
    for_everyone(browser)
    with media(browser, "prefers-color-scheme", "dark"):
        assert browser.barriers() == [], "in dark colours"
    assert browser.complaints() == []


def test_the_keyboard_reaches_everything_in_order(browser: Browser) -> None:
    browser.open("portal")
    links = [str(one.get_attribute("href")) for one in browser.driver.find_elements(By.CSS_SELECTOR, "a[href]")]
    keys = ActionChains(browser.driver)
    reached: list[str] = []
    for _ in links:
        keys.send_keys(Keys.TAB).perform()
        tag, address, visible = browser.driver.execute_script(FOCUSED)
        assert (tag, visible) == ("A", True), f"after {reached}"
        reached.append(address)
    assert reached == links
    assert reached[0].endswith("#content")


def test_the_first_link_skips_to_the_content(browser: Browser) -> None:
    browser.open("portal")
    keys = ActionChains(browser.driver)
    keys.send_keys(Keys.TAB).send_keys(Keys.ENTER).perform()
    browser.wait(lambda: browser.driver.execute_script(FOCUSED)[0] == "MAIN", "the focus is not on the content")
    keys.send_keys(Keys.TAB).perform()
    first = browser.driver.find_element(By.CSS_SELECTOR, ".tiles a").get_attribute("href")
    assert browser.driver.execute_script(FOCUSED)[1] == first


@pytest.mark.parametrize("service", tiles())
def test_a_tile_leads_to_its_service(browser: Browser, service: str) -> None:
    tile = tiles()[service]
    browser.open("portal")
    browser.click(".tiles a", tile["title"]["fr"])
    browser.seen("input[type=password]")
    where = urlsplit(browser.driver.current_url)
    # A service that agents enter by the log-in page has sent them there, and waits for them at an address of its own.
    back = parse_qs(where.query).get("redirect_uri", [""])[0]
    if back:
        assert where.geturl().startswith(browser.url("sso", "/oauth2/authorize?"))
        assert back.startswith(browser.url(tile["host"], "/"))
    else:
        assert where.geturl().startswith(browser.url(tile["host"], tile.get("path", "/")))


def test_a_tile_leads_to_the_password(browser: Browser) -> None:
    browser.open("portal")
    browser.picture("portal")
    browser.click(".tiles a", "Gérer mon mot de passe", heading="Gérer mon mot de passe")
    assert browser.driver.current_url == browser.url("portal", "/motdepasse")
    browser.picture("portal-password")
