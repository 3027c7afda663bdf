"""Second factors as an agent meets them: enrolled, asked for, lost, required; with a virtual key in Chromium."""

import re
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support.browser import PHONE, Browser, first_on
from tests.browser.support.everyone import checked, looked_at
from tests.browser.support.forms import type_in
from tests.browser.support.sso import fill, send, type_credentials
from tests.browser.test_log_in import enter as enter_portal
from tests.stack.shared.accounts.test_record import PROGRAM, imap
from tests.stack.support import typed_secrets
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.factors import Application, closing
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.passwords import age
from tests.stack.support.site import Site

pytestmark = first_on(PHONE)


def enter(browser: Browser, who: Any) -> None:
    """Name and password on the log-in page."""
    browser.open("sso")
    fill(browser, who.uid, who.account.password)


def add_application(browser: Browser) -> Application:
    """Enrol an application of codes from the list."""
    browser.click("a", "Application de codes")
    secret = browser.seen("#secret")
    made = Application(browser.wait(lambda: secret.text.replace(" ", ""), "no key"))
    typed_secrets.noted(secret=made.secret)
    looked_at(browser, "factors-totp")
    browser.driver.find_element(By.ID, "code").send_keys("000000")
    browser.click("#verify")
    browser.seen("#msg", "pas le bon")
    typed = browser.driver.find_element(By.ID, "code")
    typed.clear()
    typed.send_keys(made.code())
    browser.click("#verify")
    return made


def virtual_key(browser: Browser) -> str:
    """A key inside the machine, which its owner always confirms."""
    browser.driver.execute_cdp_cmd("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    told = browser.driver.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": options})
    return str(told["authenticatorId"])


def confirms(browser: Browser, key: str, *, enabled: bool) -> None:
    """Whether the owner of the key confirms what is asked of it."""
    words = {"authenticatorId": key, "enabled": enabled}
    browser.driver.execute_cdp_cmd("WebAuthn.setAutomaticPresenceSimulation", words)


def enter_with_key(browser: Browser, who: Any, key: str) -> None:
    """Enter a name and a password, and confirm by the key at the next page.

    The owner is back before the form leaves: Chromium never answers a question that was asked while the owner was
    away, and refuses a second one beside it.
    """
    browser.open("sso")
    type_credentials(browser, who.uid, who.account.password)
    confirms(browser, key, enabled=True)
    send(browser)
    browser.seen("h1", "Vous êtes connecté")


def type_code(browser: Browser, code: str) -> None:
    """Type a code into the page that asks for one."""
    typed_secrets.noted(code=code)
    typed = browser.seen("#extcode")
    typed.clear()
    typed.send_keys(code)
    browser.click("button.primary")


def log_out(browser: Browser) -> None:
    """Leave, from the page that says that one is connected."""
    browser.open("sso", "/?logout=1")
    browser.seen("main", "Vous êtes déconnecté")


def comes_back(browser: Browser, who: Any) -> Application:
    """Enrol an application of codes, leave, and come back to the question for a code."""
    enter(browser, who)
    browser.click("a", "Mes moyens de connexion")
    made = add_application(browser)
    browser.seen(".factors", "Telephone")
    log_out(browser)
    enter(browser, who)
    return made


def test_an_application_of_codes_and_what_to_do_without_it(browser: Browser, person: Any) -> None:
    who = person()
    enter(browser, who)
    browser.seen("h1", "Vous êtes connecté")
    browser.click("a", "Mes moyens de connexion", heading="Mes moyens de connexion")
    looked_at(browser, "factors-none")
    application = add_application(browser)
    browser.seen(".factors", "Telephone")
    looked_at(browser, "factors-list")
    browser.click("button", "Créer des codes de secours")
    codes = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", browser.seen(".codes").text)
    assert len(codes) == 10
    typed_secrets.noted(codes=codes)
    looked_at(browser, "factors-recovery-codes")
    log_out(browser)
    enter(browser, who)
    browser.seen("h1", "Second facteur")
    looked_at(browser, "factors-totp-asked")
    type_code(browser, "000000")
    browser.seen("main", "pas le bon")
    assert browser.barriers() == []
    type_code(browser, application.code())
    browser.seen("h1", "Vous êtes connecté")
    log_out(browser)
    enter(browser, who)
    browser.click("button", "code de secours", heading="Code de secours")
    looked_at(browser, "factors-recovery-asked")
    type_code(browser, codes[0])
    browser.seen("h1", "Vous êtes connecté")


def test_a_key_is_a_second_factor_and_a_way_in_without_a_password(browser: Browser, person: Any) -> None:
    who = person()
    key = virtual_key(browser)
    enter(browser, who)
    browser.click("a", "Mes moyens de connexion")
    browser.click("a", "Clé de sécurité ou clé d’accès")
    browser.seen(".factors", "Cle")
    looked_at(browser, "factors-key-list")
    held = browser.driver.execute_cdp_cmd("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    assert [one["isResidentCredential"] for one in held] == [True]
    log_out(browser)
    confirms(browser, key, enabled=False)
    enter(browser, who)
    browser.seen("h1", "Second facteur")
    looked_at(browser, "factors-key-asked")
    enter_with_key(browser, who, key)
    log_out(browser)
    browser.open("sso")
    # The browser's own list offers the key as soon as the page opens; the virtual owner takes it without a click. That
    # a log-in was left at its second factor, as the one above, stands in nobody's way.
    browser.seen("h1", "Vous êtes connecté")
    browser.picture("factors-passkey-entered")


@pytest.mark.full
def test_who_has_both_chooses_and_enters_by_each(browser: Browser, person: Any) -> None:
    who = person()
    key = virtual_key(browser)
    enter(browser, who)
    browser.click("a", "Mes moyens de connexion")
    application = add_application(browser)
    browser.seen(".factors", "Telephone")
    browser.click("a", "Clé de sécurité ou clé d’accès")
    browser.seen(".factors", "Cle")
    looked_at(browser, "factors-both")
    for way in ("Application de codes", "Clé de sécurité"):
        log_out(browser)
        confirms(browser, key, enabled=False)
        enter(browser, who)
        browser.seen("main", "Choisissez comment confirmer")
        looked_at(browser, "factors-choice")
        confirms(browser, key, enabled=True)
        browser.click("main button", way)
        if way.startswith("Application"):
            type_code(browser, application.code())
        browser.seen("h1", "Vous êtes connecté")
    browser.open("portal", "/compte/double-authentification")
    browser.click("main a", "Supprimer", heading="Supprimer un moyen de connexion")
    checked(browser, "portal-factor-remove")
    type_in(browser, password=who.account.password)
    browser.click("main form button", "Supprimer ce moyen")
    browser.seen("main", "Le moyen est supprimé")
    checked(browser, "portal-factor-removed")


def test_who_must_have_a_factor_enrols_it_with_a_code_of_the_desk(browser: Browser, person: Any, site: Site) -> None:
    who = person(mpFunction=["Assistance aux usagers"])
    enter(browser, who)
    browser.seen("h1", "Votre second facteur")
    looked_at(browser, "factors-desk-asked")
    type_code(browser, Cli(site).json("reset", who.uid)["code"])
    browser.seen("main", "Ajoutez au moins un second facteur")
    looked_at(browser, "factors-required")
    add_application(browser)
    browser.seen("h1", "Vous êtes connecté")
    browser.click("a", "Mes moyens de connexion")
    browser.click("summary", "Supprimer")
    browser.click(".remove2f")
    browser.seen("#msg", "Ajoutez-en un autre")
    assert browser.barriers() == []


@pytest.mark.full
def test_a_lost_factor_is_replaced_with_a_code_of_the_desk(browser: Browser, person: Any, site: Site) -> None:
    who = person()
    comes_back(browser, who)
    browser.click("button", "code de secours")
    browser.click("button", "code reçu", heading="Votre second facteur")
    type_code(browser, Cli(site).json("reset", who.uid)["code"])
    browser.seen("h1", "Mes moyens de connexion")
    looked_at(browser, "factors-lost")
    add_application(browser)
    browser.seen("h1", "Vous êtes connecté")


@pytest.mark.full
def test_a_lost_factor_is_replaced_with_a_code_by_mail(browser: Browser, person: Any, site: Site, mail: Mail) -> None:
    mark = token()
    who = person(mpRecoveryMail=[f"test+{mark}@lointain.test"])
    age(site, f"uid={who.uid},ou=people,{site.place.suffix}", 4)
    comes_back(browser, who)
    browser.click("button", "code de secours")
    browser.click("button", "recevoir un code", heading="Code envoyé par courriel")
    looked_at(browser, "factors-mail-asked")
    type_code(browser, "AAAAA-AAAAA")
    browser.seen("main", "pas le bon")
    browser.seen("h1", "Code envoyé par courriel")
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    found = re.search(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)
    assert found
    type_code(browser, found[1])
    browser.seen("h1", "Mes moyens de connexion")
    add_application(browser)
    browser.seen("h1", "Vous êtes connecté")


@pytest.mark.full
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not-trusted"])
def test_a_browser_is_trusted_if_its_owner_says_so(browser: Browser, person: Any, trusted: bool) -> None:
    who = person()
    application = comes_back(browser, who)
    browser.seen("#extcode")
    if trusted:
        browser.click("#stayconnected")
    type_code(browser, application.code())
    browser.seen("h1", "Vous êtes connecté")
    # The session ends without a log-out, as when the browser is closed.
    browser.driver.delete_cookie("__Host-sso")
    enter(browser, who)
    browser.seen("h1", "Vous êtes connecté" if trusted else "Second facteur")


@pytest.mark.full
def test_the_owner_sees_and_ends_log_ins_on_the_portal(browser: Browser, person: Any) -> None:
    who = person()
    application = comes_back(browser, who)
    browser.seen("#extcode")
    browser.click("#stayconnected")
    type_code(browser, application.code())
    browser.seen("h1", "Vous êtes connecté")
    browser.open("portal")
    browser.click("header a", "Se connecter", heading="Mon compte")
    browser.open("portal", "/compte/appareils")
    browser.seen("main", "Chrome, Linux (navigateur de confiance)")
    checked(browser, "portal-log-ins")
    browser.click("main button", "Ne plus faire confiance")
    browser.seen("main", "La connexion est fermée")
    assert "navigateur de confiance" not in browser.seen("main").text
    checked(browser, "portal-log-in-ended")
    # The session ends without a log-out, as when the browser is closed.
    browser.open("sso")
    browser.driver.delete_cookie("__Host-sso")
    enter(browser, who)
    browser.seen("h1", "Second facteur")
    assert browser.complaints() == []


@pytest.mark.full
def test_a_factor_is_offered_and_nobody_is_kept_from_going_on(browser: Browser, person: Any) -> None:
    who, other = (person(mpFunction=["Essai de proposition"]) for _ in range(2))
    browser.open("portal")
    browser.click("header a", "Se connecter")
    browser.seen("#userfield")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Protégez votre compte")
    looked_at(browser, "factors-offered")
    browser.click("a", "Plus tard", heading="Mon compte")
    for again in (who, other):
        # The session ends without a log-out, as when the browser is closed.
        browser.open("sso")
        browser.driver.delete_cookie("__Host-sso")
        enter(browser, again)
        browser.seen("h1", "Vous êtes connecté" if again is who else "Protégez votre compte")
    browser.click("a", "Ajouter", heading="Mes moyens de connexion")
    assert browser.complaints() == []


@pytest.mark.full
@pytest.mark.rings("UnitRestarts")
def test_before_the_first_factor_the_portal_names_what_will_stop(
    browser: Browser, person: Any, mail: Mail, site: Site
) -> None:
    who = person()
    assert imap(mail, who.account, who.account.password)
    with closing(site, "/etc/malleposte/accountd.json", "systemctl restart accountd.service"):
        enter_portal(browser, who)

        def told() -> bool:
            browser.open("portal", "/compte/double-authentification")
            return "Ceux-ci se servent de votre mot de passe" in browser.seen("main").text

        wait_for(told, 60, "the record of the log-in")
        browser.seen("main", PROGRAM)
        checked(browser, "portal-factors-closing")
        browser.open("portal", "/en/account/second-factors")
        browser.seen("main", "These use your password and will stop working")
        browser.click("a", "Add a device", heading="Add a device")
    assert browser.complaints() == []
