"""The editor of complete mail: people by either order of a name and by school, the sender, the room for files."""

import email
import email.policy
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.filter.attachments import MEGABYTE
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.browser.support import sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser, first_on
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.schools import Schools
from tests.stack.support.site import Site

pytestmark = first_on(DESKTOP)
EDITOR = "#mailEditor"
RECIPIENT = f"{EDITOR} md-chips input"
SUGGESTED = "md-virtual-repeat-container li"
ROOM = f"{EDITOR} .malleposte-room"
FIGURE = 34


@pytest.fixture
def schools(site: Site) -> Iterator[Schools]:
    made = Schools(site)
    yield made
    made.close()


def write(browser: Browser) -> None:
    """Open the editor."""
    browser.click(sogo.WRITE)
    browser.click("md-fab-actions button", "open_in_browser")
    browser.opened()
    browser.seen(f"{EDITOR} .ck-editor__editable")


def attach(browser: Browser, *paths: Path) -> None:
    """Choose files as the dialogue of the system does."""
    browser.driver.find_element(By.ID, "fileInput").send_keys("\n".join(map(str, paths)))


def test_people_of_one_name_are_told_apart_and_found_in_either_order(
    browser: Browser, reader: Reader, people: People, mail: Mail, schools: Schools
) -> None:
    agent, word, surname = reader.agent("convergence", letters=False), token(), f"Dupond{secrets.token_hex(3)}"
    here, there = schools.create("Collège Jean-Moulin"), schools.create("Lycée Pothier")
    named = {"given_name": "Marie", "surname": surname, "hidden": False}
    first, _ = (people.agent(**named, establishments=(code,)) for code in (here, there))
    schools.follow()
    sogo.log_in(browser, agent)
    write(browser)
    # Typed as staff lists have it, not to its end.
    browser.choose(RECIPIENT, f"{surname} Mar", first.mail)
    browser.driver.find_element(By.CSS_SELECTOR, RECIPIENT).send_keys(f"{surname} Mari")
    shown = browser.seen(SUGGESTED, "Lycée Pothier").text
    assert "Marie" in shown and surname in shown
    browser.seen(SUGGESTED, "Collège Jean-Moulin")
    browser.picture("sogo-people")
    browser.seen(RECIPIENT).send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE)
    chip = browser.seen(f"{EDITOR} md-chip", first.mail).text
    assert "Collège" not in chip, "the school is for the one who chooses, and not in the message"
    browser.write(f"{EDITOR} input[name=subject]", f"Conseil {word}")
    sogo.send(browser)
    mail.arrived(first, word, timeout=120)


@pytest.mark.full
def test_the_sender_is_chosen_and_never_typed(browser: Browser, reader: Reader, people: People, mail: Mail) -> None:
    agent, colleague, word = reader.agent("convergence", letters=False), people.agent(hidden=False), token()
    box = people.box(agent.uid, name="Collège")
    people.site.run_job(people.site.host_of("web"), "malleposte-sogo-sync.service")
    sogo.log_in(browser, agent)
    write(browser)
    sender = browser.seen(f"{EDITOR} select.mp-sender")
    assert sender.get_attribute("aria-label") == "Expéditeur"
    typed = browser.driver.find_elements(By.CSS_SELECTOR, f"{EDITOR} input[name=from]")
    assert [one for one in typed if one.is_displayed()] == []
    choice = Select(sender)
    browser.wait(lambda: agent.mail in choice.first_selected_option.text, "the agent's own address comes first")
    choice.select_by_visible_text(next(one.text for one in choice.options if box.mail in one.text))
    browser.choose(RECIPIENT, colleague.mail)
    browser.write(f"{EDITOR} input[name=subject]", f"Boîte {word}")
    browser.picture("sogo-sender")
    sogo.send(browser)
    sent = email.message_from_bytes(mail.arrived(colleague, word, timeout=120), policy=email.policy.default)
    assert str(sent["From"]) == f"Collège <{box.mail}>"


@pytest.mark.full
def test_files_have_the_figure_of_light_mail_and_words_are_french(
    browser: Browser, reader: Reader, tmp_path: Path
) -> None:
    small, large = tmp_path / "relevé.bin", tmp_path / "film.bin"
    small.write_bytes(os.urandom(3 * MEGABYTE))
    with large.open("wb") as file:
        file.truncate((FIGURE - 2) * MEGABYTE)
    sogo.log_in(browser, reader.agent("convergence", letters=False))
    write(browser)
    browser.seen(ROOM, f"Pièces jointes : {FIGURE} Mo au plus pour un message.")
    attach(browser, small)
    browser.seen(ROOM, f"Pièces jointes : 3 Mo. Il reste 31 Mo sur {FIGURE} Mo.")
    attach(browser, large)
    browser.seen(ROOM, f"« film.bin » ({FIGURE - 2} Mo) n’est pas joint : il reste 31 Mo dans ce message.")
    browser.picture("sogo-room")
    browser.click(f"{EDITOR} .md-chip-remove")
    browser.seen(ROOM, f"{FIGURE} Mo au plus")
    browser.click(f"{EDITOR} .msg-header-buttons button", "CCI")
    browser.seen(f"{EDITOR} .pseudo-input-label", "Cci")
    words = browser.words()
    for english in ("Bcc", "Clear Input", "Press delete", "MiB"):
        assert english not in words


@pytest.mark.full
def test_a_message_with_as_many_files_as_are_offered_arrives(
    browser: Browser, reader: Reader, people: People, mail: Mail, tmp_path: Path
) -> None:
    colleague, word, file = people.agent(hidden=False), token(), tmp_path / "film.bin"
    file.write_bytes(os.urandom(FIGURE * MEGABYTE))
    sogo.log_in(browser, reader.agent("convergence", letters=False))
    write(browser)
    browser.choose(RECIPIENT, colleague.mail)
    browser.write(f"{EDITOR} input[name=subject]", f"Film {word}")
    attach(browser, file)
    browser.seen(ROOM, "Il reste 0 o")
    browser.seen(f"{EDITOR} md-chip a[href*='/Mail/0/']", "film.bin")
    sogo.send(browser)
    assert len(mail.arrived(colleague, word, timeout=180)) > FIGURE * MEGABYTE * 4 / 3
