"""An inbox that empties: an agent has messages recalled, by the portal and by a button of Roundcube."""

import pytest

from tests.browser.support import roundcube
from tests.browser.support.agent import LETTERS, Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.stack.support.mail import Mail

pytestmark = pytest.mark.full


def test_a_message_is_moved_away_by_a_button_and_recalled(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, word = reader.agent("roundcube"), LETTERS[1][1]
    roundcube.log_in(browser, agent)
    browser.seen(roundcube.ROW, reader.subject)
    hidden = "return [...document.querySelectorAll('a.recall')].every(one => one.getClientRects().length === 0)"
    assert browser.driver.execute_script(hidden), "a button without folders"
    browser.open("portal", "/compte/horaires")
    browser.click("button", "Créer les dossiers « Rappeler »")
    browser.seen("main", "le lendemain à 8 h")
    checked(browser, "portal-recall")
    browser.open("webmail")
    roundcube.read(browser, word, "Voici l’emploi du temps")
    if not browser.size.mobile:
        last = browser.seen("#layout-content .toolbar a.more", "Plus").rect
        assert last["x"] + last["width"] <= browser.size.width, "a tool is out of sight"
    roundcube.tool(browser, "recall")
    browser.seen(".malleposte-recalls button", "Lundi 8 h")
    browser.picture("roundcube-recall")
    assert browser.barriers(".ui-dialog") == []
    browser.click(".malleposte-recalls button", "Demain 8 h")
    roundcube.gone(browser, word)
    mail.arrived(agent, "Emploi", "Rappeler/Demain 8 h")
    browser.open("portal", "/compte/horaires")
    browser.click("button", "Ne plus rappeler")
    browser.seen("main", "Créer les dossiers « Rappeler »")
    mail.arrived(agent, "Emploi")
    assert browser.violations() == []
