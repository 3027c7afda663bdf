"""Roundcube as an agent clicks through it: on a desktop its parts are side by side, on a phone one after the other."""

import contextlib

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.support.browser import ON_TOP, Browser
from tests.browser.support.sso import enter_at
from tests.stack.support.site import Account

ROW = "#messagelist tbody tr"


def log_in(browser: Browser, agent: Account) -> None:
    """Log in, and wait for the list of messages."""
    enter_at(browser, agent, "webmail")
    browser.seen("#layout-list")
    idle(browser)


def log_out(browser: Browser) -> None:
    """Leave; on a phone the way out is in the menu of tasks."""
    idle(browser)
    if browser.size.mobile:
        browser.click(".task-menu-button")
    browser.click("#taskmenu a.logout")
    browser.seen("#userfield")


def idle(browser: Browser) -> None:
    """Wait until Roundcube takes orders: while it loads a list it takes none."""
    browser.wait(lambda: browser.driver.execute_script("return window.rcmail && !rcmail.busy"), "busy for ever")


def rows(browser: Browser) -> list[WebElement] | None:
    """The messages that the list shows, or nothing while a message covers it: then the way back is taken.

    After an act on a message Roundcube opens the next one, at some moment.
    """
    for back in browser.driver.find_elements(By.CSS_SELECTOR, "#layout-content .back-list-button"):
        if back.is_displayed():
            with contextlib.suppress(WebDriverException):  # Roundcube may take it first, when the list is empty
                back.click()
            return None
    return [one for one in browser.driver.find_elements(By.CSS_SELECTOR, ROW) if one.is_displayed()]


def read(browser: Browser, subject: str, text: str) -> None:
    """Open a message of the list, and wait until its text is there."""
    idle(browser)

    def opened() -> bool:
        row = next((one for one in rows(browser) or () if subject in one.text), None)
        if row is None or not browser.driver.execute_script(ON_TOP, row):
            return False
        row.find_element(By.CSS_SELECTOR, ".subject a").click()
        return True

    browser.wait(opened, f"{subject} is not in the list")
    message(browser, "#message-header", subject)
    message(browser, "#messagebody", text)


def gone(browser: Browser, subject: str) -> None:
    """Wait until the list is without a message."""

    def left() -> bool:
        shown = rows(browser)
        return shown is not None and not any(subject in one.text for one in shown)

    browser.wait(left, f"{subject} is still in the list")


def message(browser: Browser, selector: str, text: str, *, click: bool = False) -> None:
    """Wait until something can be seen in the open message, and click it where that is asked for."""
    browser.driver.switch_to.frame(browser.seen("#messagecontframe"))
    try:
        (browser.click if click else browser.seen)(selector, text)
    finally:
        browser.driver.switch_to.default_content()


def tools(browser: Browser) -> None:
    """Open the menu of tools of a phone. A choice made before its curtain is there would leave the curtain."""
    browser.click("#layout-content .toolbar-menu-button")
    browser.seen(".popover-overlay")


def tool(browser: Browser, name: str) -> None:
    """Use a tool of the open message; on a phone the tools are in a menu."""
    idle(browser)
    if browser.size.mobile:
        tools(browser)
        browser.click(f".popover a.{name}")
    else:
        browser.click(f"#layout-content .toolbar a.{name}")


def folder(browser: Browser, name: str) -> None:
    """Open a folder of mail."""
    idle(browser)
    if browser.size.mobile:
        browser.click("#layout-list .back-sidebar-button")
    browser.click("#mailboxlist a", name)
    idle(browser)


def settings(browser: Browser, name: str) -> None:
    """Open a page of the settings, by the menus."""
    idle(browser)
    if browser.size.mobile:
        back = "#layout-content .back-list-button, .task-menu-button"
        browser.click(back)
        if not browser.driver.find_elements(By.CSS_SELECTOR, "body.task-settings"):
            browser.click("#taskmenu a.settings")
    else:
        browser.click("#taskmenu a.settings")
    browser.click(f"#settings-menu .{name} a")
