"""An agent's morning in SOGo: a message with an attachment, a label, the archive, an absence, the space in use."""

import email
import email.policy
import os
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.support import sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser, first_on
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account

pytestmark = first_on(DESKTOP)


def away(browser: Browser, mail: Mail, agent: Account) -> None:
    """Turn on the answer of an absence, in the preferences."""
    browser.click("a[aria-label='Préférences']")
    browser.wait(lambda: browser.driver.current_url.endswith("/general"), "the preferences do not open")
    sogo.menu(browser)
    browser.click("md-sidenav md-list-item", "Courrier")
    if browser.size.mobile:
        browser.click("md-next-button")
    browser.click("md-tab-item", "ABSENCE PROLONGÉE")
    browser.click("md-checkbox", "Activer les réponses automatiques")
    browser.seen("textarea[name='autoReplyText']").send_keys("Je suis absente jusqu’à la fin de l’été.")
    assert browser.fits()
    browser.picture("sogo-absence")
    browser.click("button[aria-label='Enregistrer']")
    wait_for(lambda: mail.sieve(agent).scripts() == {"sogo": True})
    assert b"vacation" in b"".join(mail.sieve(agent).command('GETSCRIPT "sogo"'))


@pytest.mark.full
def test_an_agent_writes_labels_archives_and_is_away(
    browser: Browser, reader: Reader, people: People, mail: Mail, tmp_path: Path
) -> None:
    agent, colleague, word = reader.agent("convergence"), people.agent(), token()
    file, content = tmp_path / "Compte rendu d’été.pdf", b"%PDF-1.4\n" + os.urandom(200_000)
    file.write_bytes(content)
    sogo.log_in(browser, agent)

    browser.click(sogo.WRITE)
    browser.click("md-fab-actions button", "open_in_browser")
    browser.seen("#mailEditor md-chips input").send_keys(colleague.mail, Keys.ENTER)
    browser.write("#mailEditor input[name='subject']", f"Compte rendu {word}")
    # The button opens a window of the system, which a driver does not see: the file goes to the field behind it.
    browser.seen("#mailEditor label[role='button'][aria-label='Joindre un fichier']")
    browser.driver.find_element(By.ID, "fileInput").send_keys(str(file))
    browser.seen("#mailEditor .sg-mail-editor-attachments a", file.name)
    assert browser.fits()
    browser.picture("sogo-attached")
    sogo.send(browser)
    arrived = email.message_from_bytes(mail.arrived(colleague, word), policy=email.policy.default)
    (part,) = arrived.iter_attachments()
    assert (part.get_filename(), part.get_content()) == (file.name, content)
    mail.arrived(agent, word, "Envoyés")

    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView", reader.text)
    browser.click("#detailView button[aria-label='Plus d’options']")
    browser.click("md-menu-content button", "Ajouter une étiquette")
    browser.seen("#detailView md-chips input").send_keys("À f")
    browser.click("md-virtual-repeat-container li", "À faire")
    browser.seen("#detailView md-chip", "À faire")
    browser.picture("sogo-labelled")
    session = mail.imap(agent)
    wait_for(lambda: session.select("INBOX", readonly=True) and session.search(None, "KEYWORD", "$label4")[1][0])

    sogo.move(browser, agent, "Archives")
    mail.arrived(agent, reader.subject.rpartition(" ")[2], "Archives")
    sogo.afresh(browser)

    sogo.menu(browser)
    whole = re.findall(r"STORAGE \d+ (\d+)", str(mail.imap(agent).getquotaroot("INBOX")))
    browser.seen(".sg-quota", f"% utilisés sur {int(whole[0]) // 1024} Mo")
    assert browser.seen(".sg-quota md-progress-linear[aria-label='Espace utilisé']")
    browser.picture("sogo-quota")
    away(browser, mail, agent)
    assert browser.violations() == []
