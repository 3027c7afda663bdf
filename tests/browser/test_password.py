"""A password is changed, forgotten, or at its end: each path as an agent goes it, to a log-in with the new one."""

from collections.abc import Callable
from typing import Any

import pytest
from malleposte.directory.model import State
from malleposte.policy import rules
from selenium.webdriver.common.by import By

from tests.browser.support.browser import PHONE, Browser, first_on
from tests.browser.support.everyone import for_everyone
from tests.browser.support.forms import complaints, fill, human, type_in
from tests.browser.support.sso import enter, enter_at
from tests.stack.support.passwords import age
from tests.stack.support.site import Site

pytestmark = first_on(PHONE)

WEAK = "Azerty12"
DONE = "Votre mot de passe est changé"


def test_a_forgotten_password_is_chosen_anew(browser: Browser, person: Any, enters: Any) -> None:
    who, new = person(), rules.generate()
    code = who.code()
    browser.open("portal")
    browser.click(".tiles a", "Identifiant ou mot de passe oublié")
    browser.click(".tiles a", "Choisir un nouveau mot de passe", heading="Mot de passe oublié")
    human(browser)
    for_everyone(browser, "portal-reset")
    fill(browser, numen=who.numen, code="AAAAA-22222", new=new, again=new)
    browser.seen("#errors", "ne permettent pas de vous reconnaître")
    for_everyone(browser, "portal-reset-refused")
    fill(browser, code=code, new=WEAK, again=WEAK)
    browser.seen("#new-error")
    for_everyone(browser, "portal-reset-weak")
    assert enters(who.uid, who.account.password)
    fill(browser, new=new, again=new)
    browser.seen("h1", DONE)
    browser.seen("main", who.uid)
    for_everyone(browser, "portal-reset-done")
    assert complaints(browser) == []
    assert enters(who.uid, new)
    assert not enters(who.uid, who.account.password)


def test_a_password_is_changed(browser: Browser, person: Any, enters: Any) -> None:
    who, new = person(), rules.generate()
    browser.open("portal")
    browser.click(".tiles a", "Gérer mon mot de passe")
    browser.click(".tiles a", "Changer mon mot de passe", heading="Changer mon mot de passe")
    for_everyone(browser, "portal-change")
    assert browser.driver.find_elements(By.CSS_SELECTOR, ".fr-alert--info") == []
    fill(browser, login=who.uid, old=rules.generate(), new=new, again=new)
    browser.seen("#errors", "inexact")
    for_everyone(browser, "portal-change-refused")
    fill(browser, old=who.account.password, new=WEAK, again=WEAK)
    browser.seen("#new-error")
    for_everyone(browser, "portal-change-weak")
    assert enters(who.uid, who.account.password)
    fill(browser, old=who.account.password, new=new, again=new)
    browser.seen("h1", DONE)
    for_everyone(browser, "portal-change-done")
    assert complaints(browser) == []
    assert enters(who.uid, new)
    assert not enters(who.uid, who.account.password)


def by_age(who: Any, site: Site) -> None:
    age(site, f"uid={who.uid},ou=people,{site.place.suffix}", 366)


def by_the_desk(who: Any, _site: Site) -> None:
    who.people.change(who.account, pwdReset=["TRUE"])


def by_an_operator(who: Any, _site: Site) -> None:
    who.people.change(who.account, mpState=[State.EXPIRED])


@pytest.mark.full
@pytest.mark.parametrize("ends", [by_age, by_the_desk, by_an_operator])
def test_whose_password_is_at_its_end_is_led_to_a_new_one_and_on_to_the_mail(
    browser: Browser, person: Any, enters: Any, site: Site, ends: Callable[[Any, Site], None]
) -> None:
    who, new = person(), rules.generate()
    ends(who, site)
    enter_at(browser, who.account, "webmail")
    browser.seen("h1", "Changer mon mot de passe")
    browser.seen(".fr-alert--info", "Votre mot de passe a expiré")
    for_everyone(browser, "portal-change-expired")
    fill(browser, login=who.uid, old=rules.generate(), new=new, again=new)
    browser.seen("#errors", "inexact")
    browser.seen(".fr-alert--info", "Votre mot de passe a expiré")
    type_in(browser, old=who.account.password)
    fill(browser, new=new, again=new)
    browser.seen("h1", DONE)
    for_everyone(browser, "portal-change-expired-done")
    browser.click("main a", "Me connecter à ma messagerie")
    enter(browser, who.uid, new)
    browser.seen("#layout-list")
    assert browser.driver.current_url.startswith(browser.url("webmail"))
    assert enters(who.uid, new)
    assert not enters(who.uid, who.account.password)
