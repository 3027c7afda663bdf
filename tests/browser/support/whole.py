"""A page as all of axe-core's rules see it, its frames included, and what else is true of every good page."""

import json
from importlib.resources import files
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.support.browser import Browser

SCRIPT = """
axe.run(document, {resultTypes: ['violations']}).then(told => arguments[0](told.violations));
"""
# Headings of the first rank and main parts of the page itself, and elements that number themselves for the keyboard.
PARTS = """
const seen = one => one.checkVisibility() && !one.closest('[aria-hidden=true]');
const rank = one => Number(one.getAttribute('aria-level') || one.localName.slice(1));
return {
  headings: [...document.querySelectorAll('h1')].filter(one => seen(one) && rank(one) === 1).length,
  mains: [...document.querySelectorAll('main, [role=main]')].filter(seen).length,
  numbered: [...document.querySelectorAll('[tabindex]')].filter(one => one.tabIndex > 0).map(one => one.outerHTML)
};
"""


def _prepare(driver: WebDriver, script: str) -> None:
    """Have axe-core in the page and in each frame within."""
    driver.execute_script(script)
    for frame in driver.find_elements(By.TAG_NAME, "iframe"):
        driver.switch_to.frame(frame)
        _prepare(driver, script)
        driver.switch_to.parent_frame()


def barriers(browser: Browser) -> list[str]:
    """Return axe-core's findings by every rule that it runs unasked, good practice included."""
    _prepare(browser.driver, (files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = browser.driver.execute_async_script(SCRIPT)
    return [f"{one['id']} ({one['impact']}): {json.dumps([node['target'] for node in one['nodes']])}" for one in found]


def check(browser: Browser) -> None:
    """Wait until the page has one main part and one heading, and nothing numbered; then it has no barrier."""
    wanted = {"headings": 1, "mains": 1, "numbered": []}
    browser.wait(lambda: browser.driver.execute_script(PARTS) == wanted, "not one heading, one main part, no numbers")
    assert barriers(browser) == []
