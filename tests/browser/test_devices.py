"""A phone is set up as the guide says: the values that the portal gives open mail, agenda and contacts."""

import plistlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.support.browser import DESKTOP, PHONE, Browser, Chromium
from tests.browser.support.everyone import checked
from tests.browser.support.forms import type_in
from tests.browser.support.phone import Given, Phone, beside, copied, read_code
from tests.browser.support.sso import enter_at
from tests.stack.support import typed_secrets
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.support import certificates

NAME = "Appareil de Marie"
HEADINGS = {
    "Android": "Régler un téléphone Android",
    "Thunderbird": "Régler Thunderbird",
    "iPhone, iPad, Mac": "Régler un iPhone, un iPad ou un Mac",
}
DAV = "Agenda et contacts"


@pytest.fixture
def phone(site: Site, web: Web, mail: Mail) -> Callable[[Account, Given], Phone]:
    """Makes a phone with the values that it was given."""
    return lambda agent, given: Phone(site, web, mail, agent, given)


def choose(browser: Browser, agent: Account, kind: str) -> None:
    """Go from the portal's first page to that of a kind of device."""
    enter_at(browser, agent, "portal", "/compte")
    browser.section("Ma connexion et mes appareils")
    browser.click("main a", "Régler mon téléphone ou mon ordinateur", heading="Régler mon téléphone ou mon ordinateur")
    browser.click("main a", kind, heading=HEADINGS[kind])


def works(phone: Phone) -> None:
    """All that the guide promises of a device."""
    phone.keeps_agenda()
    phone.keeps_contacts()
    phone.sends_and_reads()


def ends(browser: Browser, phone: Phone) -> None:
    """The device stands in the list by its name; once it is revoked, its password opens nothing."""
    browser.open("portal", "/compte/appareils")
    browser.seen("main h3", NAME)
    assert phone.opens_dav()
    browser.click("main button", "Supprimer")
    browser.seen("main", "L’appareil est supprimé")
    assert not phone.opens_dav()


def full(*values: object) -> object:
    """A case of a full run alone."""
    return pytest.param(*values, marks=pytest.mark.full)


@pytest.mark.parametrize(
    ("kind", "profile", "browser"),
    [
        ("Android", "convergence", PHONE),
        full("Android", "roundcube", PHONE),
        full("Thunderbird", "convergence", DESKTOP),
        full("Thunderbird", "roundcube", DESKTOP),
    ],
    indirect=["browser"],
)
def test_the_page_with_the_password_gives_all_that_a_device_needs(
    browser: Browser, running: list[Chromium], people: People, phone: Any, kind: str, profile: str
) -> None:
    agent = people.agent(profile=profile)
    choose(browser, agent, kind)
    checked(browser, f"device-{kind}")
    browser.click("main a", "Créer le mot de passe", heading="Ajouter un appareil")
    for box in ("mail", "dav"):
        assert browser.driver.find_element("id", box).is_selected(), f"{box} is not ticked"
    type_in(browser, name=NAME, password=agent.password)
    browser.click("main button", "Créer le mot de passe", heading="Le mot de passe de votre appareil")
    checked(browser, f"device-{kind}-password")
    uid, secret, imap, smtp, address = (copied(browser, one) for one in ("uid", "secret", "imap", "smtp", "dav"))
    assert address == browser.url("dav")
    given = Given(uid, secret, imap, smtp, str(urlsplit(address).hostname))
    typed_secrets.noted(secret=given.secret)
    assert given.secret == browser.seen("#secret").text
    browser.seen("main li", "DAVx⁵ trouve les agendas" if kind == "Android" else "menu Nouveau, « Agenda »")

    # The phone reads the code of the computer's screen, and has the same page.
    link = read_code(browser.seen("img.qr"))
    with beside(browser, running[0]) as other:
        other.driver.get(link)
        checked(other, f"device-{kind}-code")
        other.click("main button", "Afficher le mot de passe", heading="Le mot de passe de votre appareil")
        assert copied(other, "secret") == given.secret
        assert other.seen("main dl", DAV)
        checked(other, f"device-{kind}-here")
        other.driver.get(link)
        other.seen("h1", "Ce lien ne sert plus")

    set_up = phone(agent, given)
    works(set_up)
    ends(browser, set_up)


@pytest.mark.parametrize(
    ("profile", "browser"), [("roundcube", PHONE), full("convergence", PHONE)], indirect=["browser"]
)
def test_an_iphone_takes_its_profile_by_the_code(
    browser: Browser, running: list[Chromium], people: People, phone: Any, web: Web, tmp_path: Path, profile: str
) -> None:
    agent = people.agent(profile=profile)
    choose(browser, agent, "iPhone, iPad, Mac")
    type_in(browser, name=NAME, password=agent.password)
    browser.click("main button", "Préparer le profil", heading="Le profil est prêt")
    checked(browser, "device-apple-code")
    link = read_code(browser.seen("img.qr"))
    with beside(browser, running[0]) as other:
        downloads = {"behavior": "allow", "downloadPath": str(tmp_path)}
        other.driver.execute_cdp_cmd("Page.setDownloadBehavior", downloads)
        other.driver.get(link)
        checked(other, "device-apple-profile")
        other.click("main a", "Télécharger le profil")
        file = tmp_path / "messagerie.mobileconfig"
        other.wait(file.exists, "no profile is downloaded")
        other.driver.get(link)
        other.seen("h1", "Ce lien ne sert plus")

    mail, agenda, contacts = plistlib.loads(
        certificates.opened(file.read_bytes(), web.authorities.read_bytes(), tmp_path)
    )["PayloadContent"]
    given = Given(
        mail["IncomingMailServerUsername"],
        mail["IncomingPassword"],
        mail["IncomingMailServerHostName"],
        mail["OutgoingMailServerHostName"],
        agenda["CalDAVHostName"],
    )
    typed_secrets.noted(secret=given.secret)
    assert (mail["EmailAddress"], mail["OutgoingPassword"]) == (agent.mail, given.secret)
    for prefix, part in (("CalDAV", agenda), ("CardDAV", contacts)):
        told = [part[f"{prefix}{key}"] for key in ("HostName", "Port", "UseSSL", "Username", "Password")]
        assert told == [browser.names["dav"], 443, True, agent.uid, given.secret]
    set_up = phone(agent, given)
    works(set_up)
    ends(browser, set_up)
