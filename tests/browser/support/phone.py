"""A phone beside the computer: it reads codes with its camera, and is set up by the values that it was given."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import zxingcpp
from PIL import Image
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.support.browser import PHONE, Browser, Chromium
from tests.stack.support.dav import Device, contacts, events, first, put_contact, put_event
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web


@dataclass(frozen=True)
class Given:
    """The values that a page, or a profile, gives for a device: log-in, password, hosts."""

    uid: str
    secret: str = field(repr=False)
    imap: str
    smtp: str
    dav: str


@contextlib.contextmanager
def beside(computer: Browser, chromium: Chromium) -> Iterator[Browser]:
    """A phone with a browser of its own, which knows nothing of the computer's log-in."""
    here = computer.driver.current_window_handle
    with chromium.window(PHONE) as driver:
        yield Browser(driver, PHONE, computer.names)
    computer.driver.switch_to.window(here)


def read_code(image: WebElement) -> str:
    """The text of a QR code, as a camera sees it on the screen."""
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image.screenshot_as_png)))
    return str(code.text)


def copied(browser: Browser, ident: str) -> str:
    """The text that « Copier », beside a value, puts into the clipboard, as it is pasted into another field."""
    browser.click(f"[data-copies='{ident}']", "Copier")
    browser.seen(f"[data-copies='{ident}']", "Copié")
    add = "return document.querySelector('main').appendChild(document.createElement('textarea'))"
    pasted = browser.driver.execute_script(add)
    pasted.send_keys(Keys.CONTROL, "v")
    text = browser.wait(lambda: str(pasted.get_property("value")), f"{ident} is not copied")
    browser.driver.execute_script("arguments[0].remove()", pasted)
    return text


@dataclass
class Phone:
    """The programs of a phone: agenda, contacts and mail of an agent, by the given values alone."""

    site: Site
    web: Web
    mail: Mail
    agent: Account
    given: Given

    @property
    def login(self) -> Account:
        """The account as the programs know it."""
        return replace(self.agent, uid=self.given.uid, password=self.given.secret)

    def dav(self) -> Device:
        """A program of agendas and contacts."""
        address = self.site.address(self.site.host_of("web"))
        return Device(self.web, address, self.given.dav, self.login)

    def opens_dav(self) -> bool:
        """Whether the agenda still takes the password."""
        answer = self.dav().ask("PROPFIND", "/", Depth="0")
        assert answer.status in (207, 301, 302, 307, 308, 401), answer.status
        return answer.status != 401

    def keeps_agenda(self) -> None:
        """Find the agenda by the host alone (RFC 6764), add an event, and read it back as another program."""
        word = token()
        _principal, agendas, _books = self.dav().discover("/.well-known/caldav")
        put_event(self.dav(), first(agendas), word, f"Conseil {word}")
        assert f"Conseil {word}" in [title for titles in events(self.dav()).values() for title in titles]

    def keeps_contacts(self) -> None:
        """The same with the address book."""
        word = token()
        _principal, _agendas, books = self.dav().discover("/.well-known/carddav")
        put_contact(self.dav(), first(books), word, f"Élodie {word}")
        assert f"Élodie {word}" in contacts(self.dav())

    def sends_and_reads(self) -> None:
        """Send a message by the given host of submission, and read it at that of IMAP."""
        word, address = token(), self.agent.mail
        outgoing, incoming = (
            Mail(self.site, replace(self.mail.plan, mail=host)) for host in (self.given.smtp, self.given.imap)
        )
        with contextlib.closing(outgoing), contextlib.closing(incoming):
            assert outgoing.submit(self.login, address, address, compose(address, address, word), 465).accepted
            incoming.arrived(self.login, word, timeout=120)
