"""The log-in page in a browser."""

from selenium.webdriver.common.by import By

from tests.browser.support.browser import Browser
from tests.stack.support import typed_secrets
from tests.stack.support.site import Account


def type_credentials(browser: Browser, login: str, password: str) -> None:
    """Type the name and the password into the form."""
    typed_secrets.noted(password=password)
    for field, value in (("userfield", login), ("passwordfield", password)):
        typed = browser.seen(f"#{field}")
        typed.clear()
        typed.send_keys(value)


def send(browser: Browser) -> None:
    """Send the form by its button."""
    browser.driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()


def fill(browser: Browser, login: str, password: str) -> None:
    """Fill in the form and send it by its button."""
    type_credentials(browser, login, password)
    send(browser)


def enter(browser: Browser, login: str, password: str) -> None:
    """Log in where a service has led."""
    browser.seen("#userfield")
    assert browser.driver.current_url.startswith(browser.url("sso"))
    fill(browser, login, password)


def enter_at(browser: Browser, account: Account, key: str, path: str = "/") -> None:
    """Log in to a service by one of its pages."""
    browser.open(key, path)
    enter(browser, account.uid, account.password)
