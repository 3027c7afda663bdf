"""An inbox that empties: an agent has messages recalled and archived, by the portal and by a button of Roundcube."""

import pytest

from tests.browser.support import roundcube
from tests.browser.support.agent import LETTERS, Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, quoted

pytestmark = pytest.mark.full

OLD = b"From: ami@lointain.test\r\nSubject: vieux\r\n\r\nx\r\n"


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


def test_old_mail_is_archived_and_put_back(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("roundcube", letters=False)
    mail.imap(agent).append("INBOX", "(\\Seen)", '"05-Mar-2024 12:00:00 +0100"', OLD)
    enter_at(browser, agent, "portal", "/compte/archivage")
    browser.seen("main", "L’archivage n’est pas en service")
    checked(browser, "portal-archiving-none")
    browser.click("label", "6 mois")
    browser.click("button", "Mettre l’archivage en service")
    browser.seen("main", "plus de 6 mois")
    reader.people.site.run("mail1", "flock /run/test-archiving systemctl start malleposte-archiving.service")
    browser.open("portal", "/compte/archivage")
    browser.seen("main", "1 dans « Archives/2024 »")
    checked(browser, "portal-archiving")
    browser.open("portal", "/en/account/archiving")
    browser.seen("main", "1 in “Archives/2024”")
    browser.open("portal", "/compte/archivage")
    browser.click("button", "Remettre dans la boîte de réception")
    browser.seen("main", "L’archivage est arrêté")
    mail.arrived(agent, "vieux")
    browser.open("portal", "/compte/journal")
    browser.seen("main", "Messages archivés remis dans la boîte de réception")
    assert mail.imap(agent).select(quoted("Archives/2024"))[1] == [b"0"]
    assert browser.complaints() == []
