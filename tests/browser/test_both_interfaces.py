"""A label that an agent gave in one interface is there in the other, to which the agent changes on the portal."""

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.stack.support.mail import Mail, wait_for


def test_a_label_is_seen_in_the_other_interface(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("roundcube")
    roundcube.log_in(browser, agent)
    roundcube.read(browser, reader.subject, reader.text)
    roundcube.tool(browser, "tb-label")
    browser.click("#tb-label-menu a", "Important")
    session = mail.imap(agent)
    wait_for(lambda: session.select("INBOX", readonly=True) and session.search(None, "KEYWORD", "$label1")[1][0])

    browser.open("portal", "/compte/interface")
    browser.click("main a", "Passer à l’interface", "Mon interface")
    browser.seen("main .fr-alert", "Le changement ferme vos fenêtres de messagerie")
    assert browser.fits()
    browser.picture("portal-interface-step")
    browser.click("main button", "Passer à l’interface")
    browser.seen("main", "Votre interface est changée")
    # The change ends the log-in.
    sogo.log_in(browser, agent)
    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView md-chip", "Important")
    assert browser.fits()
    browser.picture("sogo-label-of-roundcube")
