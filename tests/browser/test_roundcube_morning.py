"""An agent's morning in Roundcube: the inbox put in order, a message with an attachment, a filter, an absence."""

import datetime
import email
import email.policy
import os
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser.support import roundcube
from tests.browser.support.agent import LETTERS, Reader
from tests.browser.support.browser import DESKTOP, Browser, first_on
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account
from tests.support.contrast import contrast

pytestmark = first_on(DESKTOP)
SHADES = """
const parts = colour => colour.match(/\\d+/g).slice(0, 3).map(Number), style = getComputedStyle(arguments[0]);
return [parts(style.color), parts(style.backgroundColor)];
"""


def quota(mail: Mail, agent: Account) -> int:
    """The part of the mailbox that is used, in percent, as IMAP says."""
    answer = mail.imap(agent).getquotaroot("INBOX")[1][1][0]
    found = re.search(r"STORAGE (\d+) (\d+)", str(answer))
    assert found, answer
    return round(int(found[1]) * 100 / int(found[2]))


def labelled(mail: Mail, agent: Account, word: str) -> bool:
    """Whether the message with that word in its subject has the label « À faire », as every program calls it."""
    session = mail.imap(agent)
    session.select("INBOX", readonly=True)
    return bool(session.search(None, "KEYWORD", "$label4", "SUBJECT", word)[1][0])


def deleted_and_back(browser: Browser, mail: Mail, agent: Account) -> None:
    """Delete a message, delete it from the trash as well, and bring it back."""
    old = LETTERS[1][1]
    roundcube.read(browser, old, "Voici")
    roundcube.tool(browser, "delete")
    roundcube.gone(browser, old)
    roundcube.folder(browser, "Corbeille")
    roundcube.read(browser, old, "Voici")
    roundcube.tool(browser, "delete")
    roundcube.gone(browser, old)
    wait_for(lambda: mail.count(agent, "Emploi", "Corbeille") == 0)
    roundcube.settings(browser, "undelete")
    browser.click(".malleposte-table label", old)
    browser.picture("roundcube-undelete")
    browser.click("button", "Récupérer les messages cochés")
    browser.seen("#messagestack", "1 message(s) récupéré(s)")
    assert browser.fits()
    mail.arrived(agent, "Emploi")


@pytest.mark.full
def test_an_agent_puts_the_inbox_in_order(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, year = reader.agent("roundcube"), datetime.datetime.now().year
    word, junk = reader.subject.rpartition(" ")[2], LETTERS[0][1]
    roundcube.log_in(browser, agent)
    browser.seen(roundcube.ROW, reader.subject)

    if browser.size.mobile:
        browser.click("#layout-list .back-sidebar-button")
    browser.seen("#quotadisplay .count", f"{quota(mail, agent)}%")
    assert browser.seen("#quotadisplay .bar").size["width"] > 50
    browser.picture("roundcube-folders")
    if browser.size.mobile:
        browser.click("#mailboxlist a", "Boîte de réception")

    roundcube.read(browser, reader.subject, reader.text)
    if not browser.size.mobile:
        last = browser.seen("#layout-content .toolbar a.more", "Plus").rect
        assert last["x"] + last["width"] <= browser.size.width, "a tool is out of sight"
    roundcube.tool(browser, "tb-label")
    browser.seen("#tb-label-menu a", "Important")
    browser.picture("roundcube-labels")
    browser.click("#tb-label-menu a", "À faire")
    wait_for(lambda: labelled(mail, agent, word))
    roundcube.message(browser, "#labelbox", "À faire")
    browser.wait(lambda: roundcube.rows(browser), "the list is away")
    ink, ground = browser.driver.execute_script(SHADES, browser.seen(".tb_label_badges", "À faire"))
    assert contrast(ink, ground) >= 4.5, (ink, ground)
    browser.picture("roundcube-labelled")

    roundcube.read(browser, reader.subject, reader.text)
    roundcube.tool(browser, "archive")
    roundcube.gone(browser, reader.subject)
    mail.arrived(agent, word, f"Archives/{year}")
    assert mail.count(agent, word) == 0

    roundcube.read(browser, junk, "Bonjour Claire")
    roundcube.tool(browser, "report")
    browser.click(".ui-dialog button", "Continuer")
    roundcube.gone(browser, junk)
    browser.picture("roundcube-reported")
    mail.arrived(agent, "rentr", "Indésirables")

    deleted_and_back(browser, mail, agent)
    assert browser.violations() == []


def test_an_agent_writes_files_by_a_ready_filter_and_is_away(
    browser: Browser, reader: Reader, people: People, mail: Mail, tmp_path: Path
) -> None:
    agent, colleague, word = reader.agent("roundcube", letters=False), people.agent(), token()
    file, content = tmp_path / "Compte rendu d’été.pdf", b"%PDF-1.4\n" + os.urandom(200_000)
    file.write_bytes(content)
    roundcube.log_in(browser, agent)

    browser.click(".floating-action-buttons a.compose" if browser.size.mobile else "#taskmenu a.compose")
    browser.seen(".recipient-input input").send_keys(f"{colleague.mail},")
    browser.seen(".recipient-input .recipient")
    browser.write("#compose-subject", f"Compte rendu {word}")
    browser.driver.switch_to.frame(browser.seen("iframe.tox-edit-area__iframe"))
    browser.seen("body").send_keys("Voici le compte rendu.")
    browser.driver.switch_to.default_content()
    if browser.size.mobile:
        roundcube.tools(browser)
        browser.click(".popover a.options")
    # The button opens a window of the system, which a driver does not see: the file goes to the field behind it.
    browser.seen("button.attach", "Joindre un fichier")
    browser.driver.find_element(By.ID, "uploadformInput").send_keys(str(file))
    browser.seen("#attachment-list li:not(.uploading)", file.name)
    assert browser.fits()
    browser.picture("roundcube-attached")
    if browser.size.mobile:
        browser.click("#layout-sidebar .back-content-button")
    browser.click("a.send.button" if browser.size.mobile else "button.send", "Envoyer")
    arrived = email.message_from_bytes(mail.arrived(colleague, word), policy=email.policy.default)
    (part,) = arrived.iter_attachments()
    assert (part.get_filename(), part.get_content()) == (file.name, content)
    mail.arrived(agent, word, "Envoyés")

    browser.seen("#layout-list")
    roundcube.settings(browser, "ready")
    browser.click(".malleposte-ready:nth-child(2) button", "Ajouter ce filtre")
    browser.seen(".malleposte-ready:nth-child(2)", "Ce filtre est en place")
    assert browser.fits()
    browser.picture("roundcube-ready-added")
    assert mail.sieve(agent).scripts() == {"roundcube": True}

    roundcube.settings(browser, "vacation")
    browser.seen("#vacation_subject").send_keys("Absence")
    browser.seen("#vacation_reason").send_keys("Je suis absente jusqu’à la fin de l’été.")
    Select(browser.seen("#vacation_status")).select_by_value("on")
    assert browser.fits()
    browser.picture("roundcube-absence")
    browser.click("a.submit.button" if browser.size.mobile else "button.submit", "Enregistrer")
    browser.seen("#messagestack", "enregistré")
    script = b"".join(mail.sieve(agent).command('GETSCRIPT "roundcube"')).decode()
    assert "rule:[Enseignement]" in script and "vacation" in script
    assert browser.violations() == []

    asked = compose(colleague.mail, agent.mail, f"Conseil de classe {word}", "À quelle heure ?")
    assert mail.submit(colleague, colleague.mail, agent.mail, asked).accepted
    mail.arrived(agent, word, "Enseignement")
    assert "jusqu’à la fin de l’été" in str(
        email.message_from_bytes(mail.arrived(colleague, "Absence"), policy=email.policy.default).get_content()
    )
