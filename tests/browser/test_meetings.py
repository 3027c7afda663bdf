"""Meetings in a browser: a slot is found, the invitation leaves from there, the first page has the week."""

import datetime
from collections.abc import Callable
from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.browser.test_convocations import filled
from tests.stack.support.mail import token
from tests.stack.support.people import People


def test_from_a_slot_to_the_invitation(browser: Browser, person: Callable[..., Any], people: People) -> None:
    who, guest, title = person(), people.agent(), f"Équipe {token()}"
    today = datetime.date.today()  # noqa: DTZ011  # the next Monday, wherever
    monday = today + datetime.timedelta(days=7 - today.weekday())
    enter_at(browser, who.account, "portal", "/compte/creneaux")
    checked(browser, "slots")
    browser.write("#people", guest.uid)
    filled(browser, first=monday.isoformat(), last=monday.isoformat(), begin="08:00", end="10:00")
    browser.click("button", "Chercher")
    browser.seen("main", "Créneaux proposés")
    checked(browser, "slots-found")
    browser.click("button", "Inviter à ce créneau")
    browser.seen("h1", "Organiser une réunion")
    browser.write("#title", title)
    checked(browser, "meeting-new")
    browser.click("button", "Envoyer l’invitation")
    browser.seen("main", "L’invitation part")
    checked(browser, "meetings")
    browser.open("portal", "/")
    browser.seen("main", "cette semaine")
    checked(browser, "home-week")
    assert browser.complaints() == []
