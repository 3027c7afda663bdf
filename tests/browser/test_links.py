"""Before a link of a message leads to a site that the filter does not know, both webmails ask."""

import pytest

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Account

DIALOG = "dialog.malleposte-link"
PAGE = '<p>Cher agent</p><p><a href="https://connu.example.org/page">Lettre</a> <a href="https://vol.example.org/">Ici</a></p>'


def read(browser: Browser, agent: Account, subject: str) -> None:
    """Open the message in the interface of its reader."""
    if agent.profile == "roundcube":
        roundcube.log_in(browser, agent)
        browser.open("webmail", "/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
        browser.seen("#messagebody", "Cher agent")
    else:
        sogo.log_in(browser, agent)
        browser.click("md-list-item", subject)
        browser.seen("#detailView", "Cher agent")


@pytest.mark.parametrize("profile", ["roundcube", pytest.param("convergence", marks=pytest.mark.full)])
def test_a_reader_is_asked_before_an_unknown_site(browser: Browser, reader: Reader, mail: Mail, profile: str) -> None:
    agent, subject = reader.agent(profile, letters=False), token()
    message = compose("Rectorat <a@lointain.test>", agent.mail, subject, PAGE, X_Malleposte_Links="connu.example.org")
    mail.imap(agent).append("INBOX", None, None, message.replace(b"text/plain", b"text/html"))
    read(browser, agent, subject)
    windows = len(browser.driver.window_handles)
    body = "#messagebody" if profile == "roundcube" else "#detailView .msg-body"

    browser.click(f"{body} a", "Ici")
    browser.seen(DIALOG, "Le lien mène à « vol.example.org »")
    assert browser.fits()
    browser.picture(f"{profile}-link")
    assert browser.barriers(DIALOG) == []
    assert browser.driver.switch_to.active_element.text == "Ne pas ouvrir"
    browser.click(f"{DIALOG} button", "Ne pas ouvrir")
    browser.wait(lambda: not browser.driver.find_elements("css selector", DIALOG), "the question to go")
    assert len(browser.driver.window_handles) == windows

    browser.click(f"{body} a", "Ici")
    browser.click(f"{DIALOG} button", "Ouvrir le site")
    browser.wait(lambda: len(browser.driver.window_handles) == windows + 1 or None)
    browser.click(f"{body} a", "Lettre")
    browser.wait(lambda: len(browser.driver.window_handles) == windows + 2 or None)
    assert not browser.driver.find_elements("css selector", DIALOG), "a known site needs no question"
