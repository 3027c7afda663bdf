"""« Envoyer plus tard »: turned on at the portal, chosen while writing, taken back by the bar, decided on the page."""

import time

import pytest
from malleposte.accounts.mailbox.later import moments
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser.support import roundcube
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People

pytestmark = pytest.mark.full

SENT, DRAFTS = "Envoyés", "Brouillons"
WRITING = ".malleposte-later-button"


def write(browser: Browser, to: str, word: str) -> None:
    browser.open("webmail", f"/?_task=mail&_action=compose&_to={to}&_subject={word}&_body=Bonjour")
    browser.seen(WRITING)
    roundcube.idle(browser)


def test_a_message_is_sent_later_taken_back_and_decided(
    browser: Browser, reader: Reader, people: People, mail: Mail
) -> None:
    agent, colleague = reader.agent("roundcube", letters=False), people.agent()
    enter_at(browser, agent, "portal", "/compte/envois")
    browser.seen("main", "L’envoi différé n’est pas en service")
    browser.click("button", "Mettre l’envoi différé en service")
    browser.seen("main", "Aucun message n’attend")

    later, undone, goes = token(), token(), token()
    write(browser, colleague.mail, later)
    browser.click(WRITING)
    browser.seen(".malleposte-later label[for=later-tomorrow]", "Demain à 8 h")
    browser.driver.execute_script("document.getElementById('later-tomorrow').click()")
    browser.picture("roundcube-later")
    browser.click(".ui-dialog-buttonpane button.mainaction")
    mail.arrived(agent, later, moments.TOMORROW)
    assert mail.count(agent, later, SENT) + mail.count(colleague, later) == 0

    browser.wait(lambda: "_action=compose" not in browser.driver.current_url, "the page for writing stays")
    browser.open("webmail", "/?_task=settings&_action=edit-prefs&_section=compose")
    browser.seen("#agents-undo")
    Select(browser.driver.find_element(By.ID, "agents-undo")).select_by_value("60")
    browser.driver.execute_script("rcmail.command('save')")
    browser.wait(
        lambda: "60" in str(browser.driver.execute_script("return document.getElementById('agents-undo').value"))
    )
    time.sleep(2)
    write(browser, colleague.mail, undone)
    browser.click("a.send, button.send")
    browser.seen(".malleposte-undo", "Le message part dans")
    browser.picture("roundcube-undo")
    browser.click(".malleposte-undo button")
    browser.seen(WRITING)
    mail.arrived(agent, undone, DRAFTS)
    write(browser, colleague.mail, goes)
    browser.click("a.send, button.send")
    browser.seen(".malleposte-undo", "Le message part dans")
    browser.open("portal", "/compte/envois")
    mail.arrived(colleague, goes, timeout=120)
    wait_for(lambda: mail.count(agent, goes, SENT) == 1, what="it lies in « Envoyés »")
    assert mail.count(colleague, undone) == 0

    browser.open("portal", "/compte/envois")
    browser.seen("main", later)
    checked(browser, "portal-later")
    browser.click("button", "Ne pas envoyer")
    browser.seen("main", "Le message ne partira pas")
    mail.arrived(agent, later, DRAFTS)
    assert browser.complaints() == []
