"""A message that was deleted for good comes back by the portal, to which SOGo's folders lead."""

from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail


def test_a_deleted_message_comes_back(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("convergence")
    word = reader.subject.rpartition(" ")[2]
    mail.remove(agent, word)
    assert mail.count(agent, word) == 0
    enter_at(browser, agent, "groupware")
    browser.seen(".sg-folder-name", "Boîte de réception")
    if browser.size.mobile:
        browser.click("button[aria-label='Ouvrir ou fermer le menu']")
    link = browser.seen("md-sidenav .mp-undelete", "Récupérer un message supprimé")
    assert link.get_attribute("target") == "_blank"
    browser.picture("sogo-undelete")
    assert link.get_attribute("href") == browser.url("portal", "/compte/messages-supprimes")
    browser.complaints()  # SOGo's own, which its tests know
    browser.open("portal", "/compte/messages-supprimes")
    browser.seen("main", reader.subject)
    checked(browser, "portal-undelete")
    browser.click("label", reader.subject)
    browser.click("button", "Récupérer les messages cochés")
    browser.seen("main", "Messages récupérés")
    assert reader.subject not in browser.seen("main").text
    checked(browser, "portal-undeleted")
    assert mail.count(agent, word) == 1
    browser.open("portal", "/en/account/deleted-messages")
    browser.seen("main", "No message to recover.")
    assert browser.complaints() == []
