"""SOGo as an agent clicks through it."""

import datetime
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.support.browser import ON_TOP, Browser
from tests.browser.support.sso import enter_at
from tests.stack.support.site import Account

SAVE = "md-dialog-actions button[type='submit'].md-primary"
WRITE = "button.md-fab[aria-label='Écrire un nouveau message']"


def log_in(browser: Browser, agent: Account) -> None:
    """Log in, which leads to the mail."""
    enter_at(browser, agent, "groupware")
    browser.seen(WRITE)


def move(browser: Browser, agent: Account, folder: str) -> None:
    """Move the open message to a folder, by three menus, of which some open by themselves on a phone."""
    browser.click("#detailView button[aria-label='Déplacer vers']")
    ways, taken = (folder, agent.mail, "Déplacer vers"), set[str]()

    def chosen() -> bool:
        for way in ways:
            for one in browser.driver.find_elements(By.CSS_SELECTOR, "md-menu-content button"):
                if way in taken or way not in one.text or not one.is_displayed():
                    continue
                browser.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", one)
                if browser.driver.execute_script(ON_TOP, one):
                    one.click()
                    taken.add(way)
                    return way == folder
        return False

    browser.wait(chosen, f"the menus do not lead to {folder}")


def afresh(browser: Browser) -> None:
    """Load the page again without what is open in it: on a phone a message covers all else."""
    browser.driver.get(browser.driver.current_url.partition("#")[0])
    browser.seen("a[aria-label='Quitter']")


def log_out(browser: Browser) -> None:
    """Leave, as one who lends the computer to a colleague."""
    afresh(browser)
    browser.click("a[aria-label='Quitter']")
    browser.seen("#userfield")


def agenda(browser: Browser) -> None:
    """Go to the agenda."""
    browser.click("a[aria-label='Agenda']")
    browser.seen("md-fab-trigger button[aria-label='Nouvel événement']")


def menu(browser: Browser) -> None:
    """Show the list at the left, which a phone hides."""
    if browser.size.mobile:
        browser.click("button[aria-label='Ouvrir ou fermer le menu']")
        browser.wait(lambda: browser.seen("md-sidenav").rect["x"] == 0, "the list does not slide in")


def begin(browser: Browser, title: str, day: datetime.date, hour: str) -> None:
    """Open the editor of a new event, and say its title and when it begins."""
    browser.click("md-fab-trigger button")
    browser.click("md-fab-actions button", "event")
    browser.opened()
    browser.seen("md-dialog input.md-title").send_keys(title)
    when(browser, day, hour)


def fill(browser: Browser, selector: str, text: str) -> None:
    """Type in place of what a field holds; again where the dialog, once it is open, took the focus meanwhile."""

    def typed() -> bool:
        field = browser.seen(selector)
        field.send_keys(Keys.CONTROL, "a", Keys.NULL, text, Keys.TAB)
        return field.get_attribute("value") == text

    browser.wait(typed, f"{selector} does not take {text}")


def when(browser: Browser, day: datetime.date, hour: str) -> None:
    """Type the day and the hour at which an event begins; its end follows."""
    for selector, text in ((".md-datepicker-input", f"{day:%d/%m/%Y}"), (".sg-timepicker-input", hour)):
        fill(browser, f"md-dialog {selector}", text)
    ends = f"{int(hour[:2]) + 1:02}{hour[2:]}"

    def followed() -> bool:
        fields = browser.driver.find_elements(By.CSS_SELECTOR, "md-dialog .sg-timepicker-input")
        return [one.get_attribute("value") for one in fields[:2]] == [hour, ends]

    browser.wait(followed, f"the event does not end at {ends}")


def call(browser: Browser) -> str:
    """Add a call to the event; its link. A row that leaves above takes the button away from a pointer: then again."""

    def added() -> str | None:
        browser.click("md-dialog label.button-label", "Ajouter une visioconférence")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for field in browser.driver.find_elements(By.CSS_SELECTOR, "md-dialog input[type='url']"):
                return field.get_attribute("value")
            time.sleep(0.2)
        return None

    return str(browser.wait(added, "no call is added"))


def invite(browser: Browser, text: str) -> None:
    """Search a colleague or a room by a part of the name or the address, and choose what is found."""
    browser.choose("md-dialog input[aria-label='Participants']", text)
    browser.seen("md-dialog .attendees md-list-item", text)


def said(browser: Browser, text: str) -> str:
    """The words of a screen reader when the page's toolkit has a text said."""
    ask = """
        const said = angular.element(document.body).injector().get("$mdLiveAnnouncer");
        said.announce(arguments[0]);
        setTimeout(() => arguments[1](said._liveElement.textContent), 1000);
    """
    return str(browser.driver.execute_async_script(ask, text))


def hint(browser: Browser) -> str:
    """The words that a short message of the page adds for a screen reader."""
    ask = """
        const toast = angular.element(document.body).injector().get("$mdToast");
        toast.show(toast.simple().textContent("Essai").hideDelay(0));
        setTimeout(() => {
            arguments[0](document.querySelector("md-toast .md-visually-hidden").textContent.trim());
            toast.hide();
        }, 1000);
    """
    return str(browser.driver.execute_async_script(ask))


def send(browser: Browser) -> None:
    """Send what was written; the editor does not take a click while a file is on its way to the server."""

    def gone() -> bool:
        for button in browser.driver.find_elements(By.CSS_SELECTOR, "#mailEditor button[aria-label='Envoyer']"):
            if button.is_enabled() and browser.driver.execute_script(ON_TOP, button):
                button.click()
        return not browser.driver.find_elements(By.CSS_SELECTOR, "#mailEditor")

    browser.wait(gone, "the editor of the message stays")


def save(browser: Browser) -> None:
    """Save the event, and wait until its editor is closed."""
    browser.click(SAVE)
    browser.wait(lambda: not browser.driver.find_elements(By.CSS_SELECTOR, "md-dialog"), "the editor stays")
