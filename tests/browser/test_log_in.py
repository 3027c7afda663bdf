"""The agent's own section of the portal in a browser: log-in, a device from its making to its end, log-out."""

from typing import Any

import pytest
from malleposte.policy import rules
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.browser.support import roundcube, sogo
from tests.browser.support.browser import PHONE, Browser, first_on
from tests.browser.support.everyone import checked
from tests.browser.support.forms import type_in
from tests.browser.support.sso import fill
from tests.stack.support import typed_secrets
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = first_on(PHONE)

WEBMAILS = {"roundcube": roundcube, "convergence": sogo}
"""Each class, and what its agents click."""


def enter(browser: Browser, who: Any) -> None:
    """Log in from the portal's first page."""
    browser.open("portal")
    browser.click("header a", "Se connecter")
    browser.seen("#userfield")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Mon compte")


@pytest.mark.full
def test_an_agent_adds_a_device_uses_it_and_revokes_it(browser: Browser, person: Any, enters: Any) -> None:
    who = person(mpRecoveryMail=["marie.d@lointain.test"])
    enter(browser, who)
    browser.seen("main", who.account.mail)
    checked(browser, "portal-account")
    # The menu of all pages would fill the first screen of a phone.
    (button,) = browser.driver.find_elements(By.CSS_SELECTOR, ".own > details > summary")
    assert button.is_displayed() is browser.size.mobile
    assert browser.seen("h1").location["y"] < 300
    browser.section("Ma connexion et mes appareils")
    browser.seen("main", "aucun mot de passe d’appareil")
    browser.click("main a", "Ajouter un appareil", heading="Ajouter un appareil")
    checked(browser, "portal-device-add")
    type_in(browser, name="Téléphone de Marie", password=rules.generate())
    browser.click("main button", "Créer le mot de passe")
    browser.seen("#errors")
    checked(browser, "portal-device-refused")
    assert browser.seen("#name").get_attribute("value") == "Téléphone de Marie"
    type_in(browser, password=who.account.password)
    # Many people click twice on everything: that makes one device.
    ActionChains(browser.driver).double_click(browser.seen("main button", "Créer le mot de passe")).perform()
    secret = browser.seen("#secret").text
    typed_secrets.noted(secret=secret)
    checked(browser, "portal-device-made")
    assert enters(who.uid, secret)
    # A reload shows nothing and makes nothing.
    browser.driver.refresh()
    browser.seen("main", "n’est affiché qu’une fois")
    checked(browser, "portal-device-shown")
    browser.open("portal", "/compte/appareils")
    browser.seen("main", "Téléphone de Marie")
    assert len(browser.driver.find_elements(By.NAME, "device")) == 1
    assert secret not in browser.driver.page_source
    # The page shows each log-in, and this browser takes a name.
    browser.click("main summary", "Donner un nom")
    browser.seen("#name-1").send_keys("Ordinateur de la salle 12")
    checked(browser, "portal-log-in-name")
    browser.click("main button", "Enregistrer le nom")
    browser.seen("main", "Le nom du navigateur est changé")
    browser.seen("main h3", "Ordinateur de la salle 12")
    checked(browser, "portal-devices")
    browser.click("main button", "Supprimer")
    browser.seen("main", "L’appareil est supprimé")
    assert not enters(who.uid, secret)
    browser.section("Mon journal")
    browser.seen("main", "Mot de passe d’appareil supprimé")
    browser.seen("main", "Ordinateur de la salle 12")
    checked(browser, "portal-journal")
    # Chromium notes the status of the form that was sent back.
    assert [one for one in browser.complaints() if "/compte/appareils/ajouter" not in one] == []


def test_a_log_out_is_one_at_the_log_in_page_too(browser: Browser, person: Any) -> None:
    enter(browser, person())
    browser.click("header button", "Se déconnecter", heading="Vous êtes déconnecté")
    checked(browser, "portal-logged-out")
    assert browser.driver.get_cookie("__Host-agent") is None
    browser.click("main a", "Se connecter")
    browser.seen("#passwordfield")
    browser.open("sso")
    browser.seen("#passwordfield")
    assert browser.complaints() == []


def test_a_block_ends_the_log_in(browser: Browser, person: Any, site: Site) -> None:
    who = person()
    enter(browser, who)
    Cli(site).out("block", who.uid, "--reason", "essai")
    browser.open("portal", "/compte")
    browser.seen("main", "Votre connexion a pris fin")
    checked(browser, "portal-log-in-over")
    assert browser.driver.find_elements(By.CSS_SELECTOR, "header form") == []


@pytest.mark.full
def test_a_page_that_was_asked_for_in_english_comes_after_the_log_in(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("portal", "/en/account/devices")
    browser.seen("#userfield")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "My log-in and my devices")
    assert browser.language() == "en"
    checked(browser, "portal-devices-english")


def test_each_of_two_tabs_comes_to_its_own_page(browser: Browser, person: Any) -> None:
    who = person()
    browser.open("portal", "/compte/journal")
    browser.seen("#userfield")
    first = browser.driver.current_window_handle
    browser.tab()
    browser.open("portal", "/compte/interface")
    browser.seen("#userfield")
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Mon interface")
    browser.driver.switch_to.window(first)
    fill(browser, who.uid, who.account.password)
    browser.seen("h1", "Mon journal")
    assert browser.complaints() == []


@pytest.mark.full
def test_the_interface_is_changed_and_the_first_page_with_it(browser: Browser, person: Any) -> None:
    enter(browser, person())
    browser.section("Mon interface")
    browser.seen("h1", "Mon interface")
    checked(browser, "portal-interface")
    browser.click("main a", "Passer à l’interface", "Mon interface")
    browser.click("main button", "Passer à l’interface")
    browser.seen("main", "Votre interface est changée")
    browser.open("portal")
    titles = [one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, ".tiles a")]
    assert "Messagerie complète" in titles and "Messagerie légère" not in titles
    checked(browser, "portal-home-logged-in")


@pytest.mark.full
def test_a_profile_for_an_iphone_is_prepared_and_its_link_serves_once(browser: Browser, person: Any) -> None:
    who = person()
    enter(browser, who)
    browser.section("Ma connexion et mes appareils")
    browser.click("main a", "Régler mon téléphone ou mon ordinateur", heading="Régler mon téléphone ou mon ordinateur")
    checked(browser, "portal-setup")
    for kind in ("android", "thunderbird", "outlook"):
        browser.open("portal", f"/compte/appareils/regler/{kind}")
        browser.seen("main", "port 993")
        checked(browser, f"portal-setup-{kind}")
    browser.open("portal", "/compte/appareils/regler/apple")
    checked(browser, "portal-setup-apple")
    type_in(browser, name="iPhone de Marie", password=who.account.password)
    browser.click("main button", "Préparer le profil", heading="Le profil est prêt")
    assert browser.seen("img.qr").get_property("naturalWidth")
    checked(browser, "portal-profile-made")
    browser.click("main a", "Ouvrir le lien")
    button = browser.seen("main a", "Télécharger le profil")
    checked(browser, "portal-profile")
    address = button.get_attribute("href")
    fetch = "const done = arguments[1]; fetch(arguments[0]).then(answer => done(answer.status))"
    assert browser.driver.execute_async_script(fetch, address) == 200
    browser.driver.get(str(address))
    browser.seen("h1", "Ce lien ne sert plus")
    checked(browser, "portal-profile-gone")


@pytest.mark.full
def test_the_means_of_recovery_are_seen_and_changed(browser: Browser, person: Any) -> None:
    who = person(mpRecoveryMail=["marie.d@lointain.test"])
    enter(browser, who)
    browser.section("Mes moyens de secours")
    browser.seen("main", "ma…@lointain.test")
    checked(browser, "portal-recovery")
    browser.click("main a", "Changer le téléphone", heading="Changer mon téléphone de secours")
    checked(browser, "portal-recovery-telephone")
    type_in(browser, value="06 12 34 56 78", password=who.account.password)
    browser.click("main button", "Continuer")
    browser.seen("main", "Votre demande est notée")
    checked(browser, "portal-recovery-asked")
    browser.click("main a", "Changer l’adresse", heading="Changer mon adresse de secours")
    type_in(browser, value="test@lointain.test", password=who.account.password)
    browser.click("main button", "Continuer", heading="Vérifier votre adresse de secours")
    checked(browser, "portal-recovery-code")
    assert browser.complaints() == []


@pytest.mark.full
def test_an_agent_without_a_second_factor_is_led_to_the_page_that_adds_one(browser: Browser, person: Any) -> None:
    enter(browser, person())
    browser.open("portal", "/compte/double-authentification")
    browser.seen("main", "Vous n’avez aucun second facteur.")
    checked(browser, "portal-second-factors")
    browser.click("main a", "Ajouter un moyen", heading="Mes moyens de connexion")


@pytest.mark.full
@pytest.mark.parametrize(("profile", "webmail"), WEBMAILS.items(), ids=WEBMAILS)
def test_a_log_out_in_one_tab_is_one_in_the_others(
    browser: Browser, people: People, profile: str, webmail: Any
) -> None:
    agent = people.agent(profile=profile)
    webmail.log_in(browser, agent)
    first, second = browser.driver.current_window_handle, browser.tab()
    browser.open("portal", "/compte")
    browser.seen("h1", "Mon compte")
    browser.click("header button", "Se déconnecter", heading="Vous êtes déconnecté")
    browser.open("webmail")
    browser.seen("#userfield")
    browser.driver.switch_to.window(first)
    browser.driver.refresh()
    browser.seen("#userfield")

    webmail.log_in(browser, agent)
    browser.driver.switch_to.window(second)
    browser.open("portal", "/compte")
    browser.seen("h1", "Mon compte")
    browser.driver.switch_to.window(first)
    webmail.log_out(browser)
    browser.driver.switch_to.window(second)
    browser.driver.refresh()
    browser.seen("#userfield")
