"""« Mes horaires »: an agent turns the own hours on and off."""

import pytest
from malleposte.platform.mailstore import WAITING

from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, compose, token

pytestmark = pytest.mark.full


def test_hours_are_turned_on_and_off(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, word = reader.agent("roundcube", letters=False), token()
    enter_at(browser, agent, "portal", "/compte/horaires")
    browser.seen("main", "Vos plages ne sont pas en service")
    checked(browser, "portal-hours-none")
    browser.click("button", "Mettre mes plages en service")
    browser.seen("main", "Vos plages sont en service")
    checked(browser, "portal-hours")
    browser.click("button", "Jusqu’à demain, 8 h")
    browser.seen("main", "Mettre fin à « Ne pas déranger »")
    mail.foreign("ami@lointain.test", agent.mail, compose("ami@lointain.test", agent.mail, word))
    mail.arrived(agent, word, WAITING)
    browser.open("portal", "/compte/horaires")
    browser.seen("main", "Messages dans « Hors horaires » : 1")
    checked(browser, "portal-hours-quiet")
    browser.open("portal", "/en/account/hours")
    browser.seen("main", "End “Do not disturb”")
    browser.open("portal", "/compte/horaires")
    browser.click("button", "Arrêter mes horaires et tout recevoir")
    browser.seen("main", "Vos messages arrivent dans la boîte de réception")
    mail.arrived(agent, word)
    assert browser.complaints() == []
