"""« Courrier à répondre » in a browser: a delegate takes a message, leaves a note, gives it back."""

from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import FOREIGN, Mail, compose, token
from tests.stack.support.people import People


def test_a_delegate_takes_a_message(browser: Browser, person: Any, people: People, site: Any, mail: Mail) -> None:
    who, sender = person(), f"parent@{FOREIGN}"
    box = people.box(who.uid, name="Collège d’essai")
    assert Cli(site).typed("box", "owners", box.uid, "--on").returncode == 0
    word = token()
    mail.foreign(sender, box.mail, compose(sender, box.mail, word))
    mail.arrived(who.account, word, f"Partages/{box.uid}/INBOX")
    enter_at(browser, who.account, "portal", "/compte/courrier-a-repondre")
    browser.seen("h1", "Courrier à répondre")
    checked(browser, "portal-owned")
    browser.click(".cards a", "Voir le courrier", heading="Collège d’essai")
    browser.seen(".cards", word)
    checked(browser, "portal-owned-box")
    browser.click(".cards button", "Prendre en charge")
    browser.seen(".cards", "Pris en charge par")
    browser.click(".cards a", "Notes")
    browser.seen("#notes", "Notes aux collègues")
    fill(browser, text="<b>voir Mme Durand</b>")
    browser.seen(".note", "<b>voir Mme Durand</b>")
    checked(browser, "portal-owned-notes")
    browser.click(".cards button", "Rendre")
    browser.seen(".cards", "Personne")
    assert complaints(browser) == []
