"""« Mes outils » in a browser: an agent has a tool told of new events of an agenda."""

import secrets
from typing import Any

import pytest

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at
from tests.stack.support.dav import first, put_event
from tests.stack.support.mail import token
from tests.stack.support.tools import HOST


@pytest.mark.full
def test_an_agent_has_a_tool_told_of_new_events(browser: Browser, person: Any, device: Any) -> None:
    who = person().account
    enter_at(browser, who, "portal", "/compte/outils")
    browser.seen("h1", "Mes outils")
    browser.click("main a", "Mattermost", heading="Ajouter une règle : Mattermost")
    browser.seen("main", "Vous n’avez pas encore d’agenda")
    dav = device(who)
    put_event(dav, first(dav.discover()[1]), token(), "Conseil")
    browser.click("a", "Retour à mes outils", heading="Mes outils")
    browser.click("main a", "Mattermost", heading="Ajouter une règle : Mattermost")
    checked(browser, "portal-tool-new")
    browser.click("label", "Quand un événement est ajouté à un de vos agendas")
    fill(browser, value0="https://ailleurs.test/hooks/x")
    browser.seen("main", "Rien n’a été changé")
    checked(browser, "portal-tool-refused")
    browser.click("label", "Mon agenda")
    fill(browser, value0=f"https://{HOST}/hooks/{secrets.token_hex(13)}")
    browser.seen("main", "Mon agenda")
    checked(browser, "portal-tools")
    assert complaints(browser) == []
