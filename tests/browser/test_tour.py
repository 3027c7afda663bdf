"""Every page of the portal by its links, in both languages: an agent who manages a box and is of a help desk."""

import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from malleposte_portal.app import SUBJECTS
from selenium.webdriver.common.by import By

from tests.browser.support.browser import PHONE, Browser, first_on
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.browser.test_second_factors import type_code
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.academy import uai
from tests.support.portal import ADDRESSES, acts

pytestmark = first_on(PHONE)

AFTER_AN_ACT = {
    "step",
    "done",
    "desk_aloud",
    "device_made",
    "setup_apple_made",
    "recovery_confirm",
    "hacked_check",
    "hacked_end",
    "own_data_fetch",
    "factor_remove",
    "retraction",
    "office_convocations",
    "office_convoke",
    "office_convocation",
    "tool_renew",
    "poll",
    "ballot",
    "circular",
    "team",
    "team_end",
    "team_link",
    "team_member",
}
"""Pages that only an act leads to, the second of two factors or an office: the tests of these look at them."""
NO_PAGE = {"human", "strength_data", "login", "login_again", "logged_out"}
"""Answers that a script reads, and pages that an agent who is logged in does not see."""
TOURED = ADDRESSES.keys() - set(acts(*SUBJECTS)) - AFTER_AN_ACT - NO_PAGE
LANGUAGES = ("fr", "en")


def links(browser: Browser, language: str) -> list[str]:
    """The links of a page to the portal's pages in a language: path and query."""
    held = [str(one.get_attribute("href")) for one in browser.driver.find_elements(By.CSS_SELECTOR, "a[href]")]
    ours = [urlsplit(one) for one in held if one.startswith(browser.url("portal"))]
    return [
        f"{one.path}?{one.query}" if one.query else one.path
        for one in ours
        if one.path.startswith("/en/") is (language == "en")
    ]


@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.full)])
def test_every_page_is_reached_by_links_and_has_no_barrier(
    browser: Browser, person: Any, people: People, site: Site, ca_bundle: Any, language: str
) -> None:
    school, cli, web, number = uai(5000 + secrets.randbelow(5000)), Cli(site), Web(ca_bundle), LANGUAGES.index(language)
    who, caller = person(mpEstablishment=[school]), person(mpEstablishment=[school])
    application = enrolled(site, web, who)
    enrolled(site, web, caller)
    box = people.box(caller.uid, establishments=(school,))
    assert cli.typed("box", "manager", box.uid, who.uid).returncode == 0
    cli.json("role", "grant", who.uid, "helpdesk", "--school", school, "--reason", "essai")
    cli.json("role", "grant", who.uid, "dsi", "--reason", "essai")
    enter_at(browser, who.account, "portal", ADDRESSES["account"][number])
    type_code(browser, application.code())
    browser.seen("h1", ("Mon compte", "My account")[number])
    names = {pair[number]: name for name, pair in ADDRESSES.items()}
    # A sheet and a box are found by a form.
    found = [f"{ADDRESSES['desk_agent'][number]}?agent={caller.uid}", f"{ADDRESSES['desk_box'][number]}?box={box.uid}"]
    ahead, seen = [ADDRESSES["home"][number], ADDRESSES["account"][number], *found], set[str]()
    while ahead:
        path = ahead.pop(0)
        name = names.get(urlsplit(path).path, "")
        if name in seen or name not in TOURED:
            continue
        browser.open("portal", path)
        assert browser.seen("h1").text
        came = urlsplit(browser.driver.current_url)
        assert (came.path, parse_qs(came.query)) == (urlsplit(path).path, parse_qs(urlsplit(path).query))
        assert browser.language() == language, path
        checked(browser, f"tour-{name}-{language}")
        assert browser.complaints() == [], path
        seen.add(name)
        ahead += links(browser, language)
    assert TOURED - seen == set(), "no link leads to them"
