"""Forms of our pages, filled in as an agent does. What is secret is noted for the search of the hosts' journals."""

from tests.browser.support.browser import Browser
from tests.stack.support import typed_secrets

REFUSALS = ("403", "422")


def type_in(browser: Browser, **values: str) -> None:
    """Type texts into fields, by their ids, in place of what they hold."""
    typed_secrets.noted(**values)
    for name, text in values.items():
        field = browser.seen(f"#{name}")
        field.clear()
        field.send_keys(text)


def fill(browser: Browser, **values: str) -> None:
    """Fill in the page's form and send it."""
    type_in(browser, **values)
    browser.click("form.narrow button[type=submit]")


def human(browser: Browser) -> None:
    """Wait until the browser has done the work that a form without log-in asks for."""
    browser.wait(lambda: browser.driver.find_elements("css selector", ".human[data-done]"), "no work is done")


def complaints(browser: Browser) -> list[str]:
    """Chromium notes the status of a form that is sent back; whatever else it notes is a fault."""
    return [one for one in browser.complaints() if not any(f"status of {code}" in one for code in REFUSALS)]
