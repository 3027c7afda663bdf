"""A poll of dates in a browser: asked by an agent, answered by a link without an account, ended by an invitation."""

import datetime
import re
import secrets
from email import message_from_bytes, policy

import pytest

from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.shared.groupware.test_convocations import UNIT
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = pytest.mark.full


def test_a_poll_from_the_question_to_the_invitation(
    browser: Browser, reader: Reader, people: People, mail: Mail, site: Site
) -> None:
    who = reader.agent("roundcube", letters=False)
    guest = people.agent(given_name="Marie", surname="Dupond", hidden=False)
    number = str(100_000 + secrets.randbelow(900_000))
    day = datetime.date.today() + datetime.timedelta(days=10)  # noqa: DTZ011  # well ahead, wherever
    enter_at(browser, who, "portal", "/compte/sondages")
    checked(browser, "polls")
    browser.click("main a", "Nouveau sondage", heading="Nouveau sondage de dates")
    browser.write("#title", f"Conseil pédagogique n° {number}")
    browser.write("#slots", f"{day:%d/%m/%Y} 14h-15h30\n{day:%d/%m/%Y} 16h-17h30")
    browser.write("#people", guest.uid)
    checked(browser, "poll-new")
    browser.click("button", "Envoyer")
    browser.seen("main", "Le sondage part")
    asked = browser.driver.current_url
    site.run_job(site.host_of("directory"), UNIT)
    letter = message_from_bytes(mail.arrived(guest, number), policy=policy.default)
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (link,) = re.findall(r"https://\S+?(/sondage\?lien=\S+)", text)
    browser.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.open("portal", link)
    browser.seen("h1", number)
    checked(browser, "ballot")
    browser.click("label[for='slot-0-n']")
    browser.click("label[for='slot-1-y']")
    browser.click("button", "Envoyer mes réponses")
    browser.seen("main", "C’est noté")
    enter_at(browser, who, "portal", asked.partition(browser.url("portal", ""))[2])
    browser.seen("main", "Oui (1)")
    checked(browser, "poll")
    browser.click("form:has(input[name='slot'][value='1']) button")
    browser.seen("main", "La date est choisie")
    browser.open("portal", link)
    browser.seen("main", "ne mène à aucun sondage")
    assert [one for one in browser.complaints() if "404" not in one] == []
