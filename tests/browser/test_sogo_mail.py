"""A letter in SOGo, from the address book to the attachments and the draft; the names of its buttons."""

import email
import email.policy
import os
import secrets
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People

EDITOR = "#mailEditor"
NAMES = "return [...document.querySelectorAll(arguments[0])].map(one => one.getAttribute('aria-label'))"
ACCENTED = "Élèves de 3ᵉ – relevé d’été.pdf"
MEGABYTE = 2**20


def named(browser: Browser, action: str, name: str) -> None:
    """A button of this action bears this name, and no other."""
    selector = f'button[ng-click="{action}"]'
    browser.wait(lambda: set(browser.driver.execute_script(NAMES, selector)) == {name}, f"{selector} is no {name!r}")


def attach(browser: Browser, *paths: Path) -> None:
    """Choose files as the dialogue of the system does."""
    browser.driver.find_element(By.ID, "fileInput").send_keys("\n".join(map(str, paths)))


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_a_letter_goes_out_with_all_its_attachments(
    browser: Browser, reader: Reader, people: People, mail: Mail, tmp_path: Path
) -> None:
    agent, word = reader.agent("convergence", letters=False), token()
    colleague = people.agent(surname=f"Dupré-{secrets.token_hex(3)}", profile="convergence", hidden=False)
    files = {
        ACCENTED: os.urandom(3000),
        "notes.txt": "Bonjour à tous\n".encode(),
        "film.bin": os.urandom(15 * MEGABYTE),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    huge = tmp_path / "trop.bin"
    with huge.open("wb") as file:
        file.truncate(70 * MEGABYTE)
    enter_at(browser, agent, "groupware")
    browser.seen(".sg-folder-name", "Boîte de réception")
    browser.click("button.md-fab[aria-label='Écrire un nouveau message']")
    browser.click("md-fab-actions button", "open_in_browser")
    for action, name in (("send", "Envoyer"), ("save", "Enregistrer le brouillon"), ("cancel", "Fermer")):
        named(browser, f"editor.{action}()", name)

    browser.choose(f"{EDITOR} md-chips input", colleague.uid, colleague.mail)
    browser.seen(f"{EDITOR} md-chip", colleague.mail)
    browser.write(f"{EDITOR} input[name=subject]", f"Relevés de l’été {word}")
    browser.seen(f"{EDITOR} .ck-editor__editable").send_keys("Bonjour,", Keys.ENTER, "voici « tout ».")
    attach(browser, *(tmp_path / name for name in files))
    for name in files:
        browser.seen(f"{EDITOR} md-chip a[href*='/Mail/0/']", name[:20])
    browser.click(f"{EDITOR} button[ng-click='editor.save()']")
    browser.seen("md-toast", "Votre message est enregistré.")
    mail.arrived(agent, word, "Brouillons")

    attach(browser, huge)
    browser.seen(f"{EDITOR} .malleposte-room", "« trop.bin » (70 Mo) n’est pas joint")
    # The server refuses it too, where a page does not ask first.
    browser.driver.execute_script("window.mpRoom.limit = Infinity")
    attach(browser, huge)
    browser.seen("md-toast", "Le message dépasse la limite permise")
    browser.picture("sogo-too-big")
    browser.click("md-toast button")
    missing = [line for line in browser.complaints() if "Failed to load" in line]
    assert [line for line in missing if " 413 " not in line] == []

    browser.click(f"{EDITOR} button[ng-click='editor.send()']")
    received = email.message_from_bytes(mail.arrived(colleague, word, timeout=120), policy=email.policy.default)
    sent = {part.get_filename(): part.get_payload(decode=True) for part in received.iter_attachments()}
    assert {name: sent[name] for name in files if name != "notes.txt"} == {
        name: content for name, content in files.items() if name != "notes.txt"
    }
    assert "voici « tout »." in received.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_buttons_of_pictures_have_right_names(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("convergence")
    enter_at(browser, agent, "groupware")
    browser.click("md-list-item", reader.subject)
    browser.seen("#detailView", reader.text)
    named(browser, "viewer.openInPopup()", "Ouvrir dans une nouvelle fenêtre")
    named(browser, "viewer.message.toggleRead()", "Marquer comme lu ou non lu")
    browser.click(".sg-message-list-item .sg-avatar, .sg-message-list-item sg-avatar-image")
    junk = "mailbox.markOrUnMarkMessagesAsJunk()"
    named(browser, junk, "Indésirable")
    browser.click(f"button[ng-click='{junk}']")
    browser.wait(lambda: reader.mail.count(agent, "", "Indésirables") == 1, "nothing became junk")
