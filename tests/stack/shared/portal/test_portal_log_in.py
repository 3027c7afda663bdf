"""Log-in to the portal by the log-in page, what an agent does there, and the ways in which it ends."""

import json
import plistlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.message import ErrorCode
from malleposte.policy import rules

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import wait_for
from tests.stack.support.portal import Portal
from tests.stack.support.provider import claims, returned
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support import certificates
from tests.support.page import Page

pytestmark = pytest.mark.together("portal-log-in")
SETUP = "/compte/appareils/regler/apple"


@pytest.fixture
def browser(site: Site, web: Any) -> Callable[[], SignedOn]:
    """Further browsers."""
    return lambda: SignedOn(site, web)


@pytest.fixture
def inside(browser: Any, person: Any) -> tuple[SignedOn, Any]:
    """A browser whose agent is logged in, and the agent."""
    who, visitor = person(mpRecoveryMail=["marie.d@lointain.test"]), browser()
    page = visitor.log_in(who.uid, who.account.password)
    assert page.heading == "Mon compte", visitor.last.text[:2000]
    return visitor, who


def _links(page: Page) -> list[str]:
    """The links of a page to a profile."""
    return [str(held["href"]) for held, _text in page.all("a") if "/profil/" in str(held["href"])]


def test_an_iphone_gets_a_signed_profile_once_and_its_password_opens_mail(
    inside: Any, enters: Any, site: Site, web: Web, tmp_path: Path
) -> None:
    visitor, who = inside
    given = {"name": "iPhone", "password": who.account.password}
    wrong = visitor.send(SETUP, **{**given, "password": rules.generate()})
    assert wrong.named("errors") and not _links(wrong)
    (link,) = _links(visitor.send(SETUP, **given))
    path = urlsplit(link).path
    assert "Télécharger le profil" in visitor.get(path).main
    answer = visitor.ask(f"{path}/telecharger")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/x-apple-aspen-config")
    held = plistlib.loads(certificates.opened(answer.body, web.authorities.read_bytes(), tmp_path))
    mail = held["PayloadContent"][0]
    assert mail["IncomingMailServerHostName"] == site.platform["hostnames"]["mail"]
    assert enters(mail["IncomingMailServerUsername"], mail["IncomingPassword"])
    assert visitor.ask(f"{path}/telecharger").status == 404


def test_a_log_out_at_the_provider_ends_the_portal_s(inside: Any, browser: Any) -> None:
    visitor, who = inside
    other = browser()
    other.log_in(who.uid, who.account.password)
    assert visitor.entered and other.entered
    visitor.provider.ask("/?logout=1")
    assert not visitor.entered
    assert other.entered, "another session"


def test_what_operators_did_is_told(inside: Any, site: Site) -> None:
    visitor, who = inside
    Cli(site).out("quota", who.uid, "3000")
    text = visitor.get("/compte/journal").main
    assert "Taille de la boîte changée" in text and "par l’académie" in text
    assert "root@" not in text


def test_the_end_of_all_log_ins_ends_those_of_the_provider_in_other_browsers(
    inside: Any, browser: Any, person: Any
) -> None:
    visitor, who = inside
    second, neighbour, other = browser(), browser(), person()
    second.log_in(who.uid, who.account.password)
    neighbour.log_in(other.uid, other.account.password)
    visitor.press("/compte/appareils", "/compte/sessions/fermer")
    ended = time.time()
    assert "code" not in returned(second.provider.ask(second.provider.authorize()))
    assert not second.entered
    assert "code" in returned(neighbour.provider.ask(neighbour.provider.authorize()))
    # A new browser: the provider still waits for the request that was shown to the other one.
    # A token says the second in which it was made: one of the very second of the end is refused.
    wait_for(lambda: int(time.time()) > int(ended), what="the second after the end")
    assert browser().log_in(who.uid, who.account.password).heading == "Mon compte"


def test_accountd_takes_the_provider_s_own_token_and_no_other(site: Site, browser: Any, person: Any) -> None:
    who, visitor, portal = person(), browser(), Portal(site)
    provider = visitor.provider
    provider.log_in(who.uid, who.account.password)
    status, told = provider.redeem(returned(provider.ask(provider.authorize()))["code"])
    assert status == 200
    access, identity = told["access_token"], told["id_token"]
    assert claims(access)["sub"] == who.uid
    good, wrong, other = portal.ask(
        ShowAccount(portal.source, who.uid, access),
        ShowAccount(portal.source, who.uid, identity),
        ShowAccount(portal.source, person().uid, access),
    )
    assert good.account.mail == who.account.mail and good.account.looked
    assert wrong.error == other.error == ErrorCode.UNAUTHORISED


def test_its_secrets_are_its_own(site: Site) -> None:
    path = "/etc/malleposte/keys/portal-sign-on.json"
    assert site.run("pia1", f"stat -c '%U:%G %a' {path}").strip() == "root:root 600"
    ask = "valkey-cli -s /run/valkey-portal/valkey.sock"
    assert "NOAUTH" in site.run("pia1", f"{ask} get portal:x")
    secret = json.loads(site.run("pia1", "cat", path))["valkey"]["password"]
    given = f"AUTH portal {secret}\nGET portal:x\nKEYS *\nGET autre\n"
    told = site.run("pia1", ask, given=given, check=False)
    assert told.count("NOPERM") == 2 and "NOAUTH" not in told
