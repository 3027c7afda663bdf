"""Light mail: its list, a message and the page for writing have no barrier, and files have one figure."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.filter.attachments import MEGABYTE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.browser.support import roundcube, whole
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser, first_on
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account

pytestmark = first_on(DESKTOP)
ROOM = "#compose-attachments .malleposte-room"
EDITOR = "iframe.tox-edit-area__iframe"
FIGURE = 34
RECEIPT = "Disposition-Notification-To"


def write(browser: Browser, path: str = "/?_task=mail&_action=compose") -> None:
    """Open the page for writing, and wait for its editor."""
    browser.open("webmail", path)
    browser.seen(EDITOR)
    roundcube.idle(browser)


def attach(browser: Browser, *paths: Path) -> None:
    """Choose files as the dialogue of the system does."""
    browser.driver.find_element(By.CSS_SELECTOR, "#uploadform input[type=file]").send_keys("\n".join(map(str, paths)))


def room(browser: Browser) -> str:
    """The words on the room that is left; on a phone they are behind a button."""
    return str(browser.driver.find_element(By.CSS_SELECTOR, ROOM).get_attribute("textContent")).replace("\u00a0", " ")


@contextlib.contextmanager
def blocked(browser: Browser, *patterns: str) -> Iterator[None]:
    """Have files of these addresses fail."""
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(patterns)})
    try:
        yield
    finally:
        browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def test_its_pages_have_no_barrier_and_no_error(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube", function="Professeure des écoles")
    roundcube.log_in(browser, agent)
    browser.seen(roundcube.ROW, reader.subject)
    whole.check(browser)
    frame = browser.driver.find_element(By.ID, "messagecontframe")
    assert frame.get_attribute("tabindex") == "-1", "an empty frame is no stop of the keyboard"
    browser.open("webmail", "/?_task=mail&_mbox=INBOX&_uid=3&_action=show")
    browser.seen("#messagebody", reader.text)
    whole.check(browser)
    browser.picture("roundcube-show")

    write(browser, "/?_task=mail&_mbox=INBOX&_reply_uid=3&_action=compose")
    whole.check(browser)
    assert browser.seen("#_from").tag_name == "select", "nobody types a sender"
    browser.driver.switch_to.frame(browser.seen(EDITOR))
    text = browser.seen("body", "a écrit").text
    browser.driver.switch_to.default_content()
    before = text.partition("a écrit")[0]
    assert "Claire Fontaine" in before and "Professeure des écoles" in before, f"no signature above the quote: {text!r}"
    browser.picture("roundcube-answer")
    assert browser.complaints() == [], "no file lacks, no script stops"


@pytest.mark.full
def test_files_have_one_figure_and_what_is_left_is_shown(browser: Browser, reader: Reader, tmp_path: Path) -> None:
    small, large = tmp_path / "relevé.bin", tmp_path / "film.bin"
    small.write_bytes(os.urandom(3 * MEGABYTE))
    with large.open("wb") as file:
        file.truncate((FIGURE - 2) * MEGABYTE)
    roundcube.log_in(browser, reader.agent("roundcube", letters=False))
    write(browser)
    assert f"Pièces jointes : {FIGURE} Mo au plus pour un message." in room(browser)
    attach(browser, small)
    browser.wait(lambda: f"Pièces jointes : 3 Mo. Il reste 31 Mo sur {FIGURE} Mo." in room(browser), "no room is shown")
    browser.seen("#attachment-list li:not(.uploading)", small.name) if not browser.size.mobile else None
    roundcube.idle(browser)
    attach(browser, large)
    refusal = f"« film.bin » ({FIGURE - 2} Mo) n’est pas joint : il reste 31 Mo dans ce message."
    browser.wait(lambda: refusal in room(browser), "nothing is refused")
    browser.picture("roundcube-room")
    names = [
        one.get_attribute("textContent") for one in browser.driver.find_elements(By.CSS_SELECTOR, "#attachment-list li")
    ]
    assert len(names) == 1 and "relevé.bin" in str(names)
    browser.driver.execute_script("document.querySelector('#attachment-list a.delete').click()")
    browser.wait(lambda: f"{FIGURE} Mo au plus" in room(browser), "the room does not come back")
    if not browser.size.mobile:
        whole.check(browser)


@pytest.mark.full
def test_a_message_with_as_many_files_as_are_offered_arrives(
    browser: Browser, reader: Reader, people: People, mail: Mail, tmp_path: Path
) -> None:
    colleague, word, file = people.agent(), token(), tmp_path / "film.bin"
    file.write_bytes(os.urandom(FIGURE * MEGABYTE))
    roundcube.log_in(browser, reader.agent("roundcube", letters=False))
    write(browser)
    browser.seen(".recipient-input input").send_keys(f"{colleague.mail},")
    browser.write("#compose-subject", f"Film {word}")
    attach(browser, file)
    browser.wait(lambda: "Il reste 0 o" in room(browser), "the file is not taken")
    browser.click("a.send.button" if browser.size.mobile else "button.send", "Envoyer")
    assert len(mail.arrived(colleague, word, timeout=180)) > FIGURE * MEGABYTE * 4 / 3


@pytest.mark.full
def test_who_forgets_a_file_is_asked_and_a_receipt_can_be_sent(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, word = reader.agent("roundcube", letters=False), token()
    letter = compose("noel.boeuf@lointain.test", agent.mail, f"Avis {word}", **{RECEIPT: "noel.boeuf@lointain.test"})
    mail.imap(agent).append("INBOX", None, None, letter)
    roundcube.log_in(browser, agent)
    browser.open("webmail", "/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
    browser.seen(".ui-dialog button", "Envoyer")
    browser.picture("roundcube-receipt")
    assert whole.barriers(browser) == [], "« Envoyer » can be read"
    browser.click(".ui-dialog button", "Ignorer")
    write(browser)
    browser.seen(".recipient-input input").send_keys(f"{agent.mail},")
    browser.write("#compose-subject", f"Voir la pièce jointe {word}")
    browser.click("a.send.button" if browser.size.mobile else "button.send", "Envoyer")
    browser.seen(".ui-dialog", "Avez-vous oublié de joindre un fichier")
    browser.picture("roundcube-forgotten")
    browser.click(".ui-dialog button.send", "Envoyer")
    mail.arrived(agent, f"jointe {word}")


@pytest.mark.full
@pytest.mark.parametrize("lacks", ["*tinymce.min.js*", "*/tinymce/themes/*", "*/tinymce/skins/*"])
def test_where_the_editor_does_not_load_plain_text_is_written(
    browser: Browser, reader: Reader, people: People, mail: Mail, lacks: str
) -> None:
    colleague, word = people.agent(), token()
    roundcube.log_in(browser, reader.agent("roundcube", letters=False))
    with blocked(browser, lacks):
        browser.open("webmail", "/?_task=mail&_action=compose")
        browser.seen("#messagestack", "vous écrivez en texte simple")
        browser.picture("roundcube-plain")
        browser.seen(".recipient-input input").send_keys(f"{colleague.mail},")
        browser.write("#compose-subject", f"Simple {word}")
        browser.seen("#composebody").send_keys("Bonjour à tous,\n1 < 2")
        browser.click("a.send.button" if browser.size.mobile else "button.send", "Envoyer")
    received = mail.arrived(colleague, word, timeout=120)
    assert b"text/html" not in received and b"1 < 2" in received


def invitation(agent: Account, organizer: Account, word: str) -> bytes:
    """A meeting to which the agent is invited."""
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT", f"UID:{word}", "DTSTAMP:20300101T080000Z",
        "DTSTART:20300304T130000Z", "DTEND:20300304T140000Z", f"SUMMARY:Conseil {word}",
        f"ORGANIZER:mailto:{organizer.mail}", f"ATTENDEE;RSVP=TRUE:mailto:{agent.mail}", "END:VEVENT",
        "END:VCALENDAR", "",
    )  # fmt: skip
    letter = compose(organizer.mail, agent.mail, f"Invitation {word}", "\n".join(lines))
    return letter.replace(b"text/plain", b"text/calendar; method=REQUEST")


@pytest.mark.full
def test_an_answer_that_the_network_loses_goes_by_itself(
    browser: Browser, reader: Reader, people: People, mail: Mail
) -> None:
    agent, organizer, word = reader.agent("roundcube", letters=False), people.agent(), token()
    mail.imap(agent).append("INBOX", None, None, invitation(agent, organizer, word))
    roundcube.log_in(browser, agent)
    browser.open("webmail", "/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
    browser.seen(".malleposte-invitation", f"Conseil {word}")
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **network})
    browser.click(".malleposte-invitation button", "Accepter")
    browser.seen("#messagestack", "votre réponse repart toute seule")
    browser.picture("roundcube-answer-waits")
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **network})
    browser.seen(".malleposte-invitation [aria-pressed='true']", "Accepter")
    mail.arrived(organizer, word, timeout=120)


@pytest.mark.full
def test_who_clicks_twice_answers_once(browser: Browser, reader: Reader, people: People, mail: Mail) -> None:
    agent, organizer, word = reader.agent("roundcube", letters=False), people.agent(), token()
    mail.imap(agent).append("INBOX", None, None, invitation(agent, organizer, word))
    roundcube.log_in(browser, agent)
    browser.open("webmail", "/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
    button = browser.seen(".malleposte-invitation button", "Accepter")
    ActionChains(browser.driver).double_click(button).perform()
    browser.seen(".malleposte-invitation [aria-pressed='true']", "Accepter")
    roundcube.idle(browser)
    browser.click(".malleposte-invitation button", "Refuser")
    browser.seen(".malleposte-invitation [aria-pressed='true']", "Refuser")
    wait_for(lambda: mail.count(organizer, word) >= 2, 120, "the second answer")
    assert mail.count(organizer, word) == 2, "one for each answer"
