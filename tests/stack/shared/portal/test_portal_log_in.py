"""Log-in to the portal by the log-in page, what an agent does there, and the ways in which it ends."""

import json
import plistlib
import re
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
from tests.stack.support.mail import token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.provider import claims, returned
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support import certificates
from tests.support.page import Page

pytestmark = pytest.mark.together("portal-log-in")
SETUP, RECOVERY = "/compte/appareils/regler/apple", "/compte/secours"


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


def test_an_agent_logs_in_and_sees_the_account(inside: Any) -> None:
    visitor, who = inside
    text = visitor.get("/compte").main
    assert who.account.mail in text and "ma…@lointain.test" in text and "marie.d@" not in text
    (cookie,) = [value for name, value in visitor.cookies.items() if name == "__Host-agent"]
    assert len(cookie) < 60, "an identifier alone"
    assert "My account" in visitor.get("/en/account").heading


def test_a_wrong_password_opens_nothing(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, rules.generate())
    assert not visitor.entered and "__Host-agent" not in visitor.cookies
    assert visitor.log_in(who.uid, who.account.password).heading == "Mon compte"


def test_a_device_is_made_used_and_revoked(inside: Any, enters: Any) -> None:
    visitor, who = inside
    wrong = visitor.send("/compte/appareils/ajouter", name="Téléphone", mail="y", password=rules.generate())
    assert wrong.named("errors") and not wrong.named("secret")
    made = visitor.send("/compte/appareils/ajouter", name="Téléphone", mail="y", password=who.account.password)
    secret = made.named("secret")
    assert enters(who.uid, secret)
    shown = visitor.get("/compte/appareils")
    assert "Téléphone" in shown.main and secret not in visitor.last.text
    ident = secret.partition("-")[0]
    visitor.press("/compte/appareils", "/compte/appareils/supprimer", device=ident)
    assert not enters(who.uid, secret)
    assert enters(who.uid, who.account.password)


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


def test_a_new_recovery_address_waits_for_its_code_and_then_for_its_time(inside: Any, mail: Any) -> None:
    visitor, who = inside
    mark = token()
    given = {"value": f"test+{mark}@lointain.test", "password": who.account.password}
    assert visitor.send(f"{RECOVERY}/adresse", **{**given, "password": rules.generate()}).named("errors")
    assert visitor.send(f"{RECOVERY}/adresse", **{**given, "value": f"x@{who.account.mail.partition('@')[2]}"}).named(
        "value-error"
    )
    assert given["value"] in visitor.send(f"{RECOVERY}/adresse", **given).main
    assert who.held("mpRecoveryNext") == {}
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    (code,) = re.findall(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)
    page = visitor.send(f"{RECOVERY}/code", value=code)
    assert "Votre demande est notée" in page.main, visitor.last.text[:2000]
    (waits,) = who.held("mpRecoveryNext")["mpRecoveryNext"]
    assert waits.endswith(f" {given['value']} -")
    assert who.held("mpRecoveryMail") == {"mpRecoveryMail": ["marie.d@lointain.test"]}


def test_a_log_out_ends_the_provider_s_session_too(inside: Any) -> None:
    visitor, _who = inside
    assert "code" in returned(visitor.provider.ask(visitor.provider.authorize())), "the provider knows the agent"
    page = visitor.press("/", "/deconnexion")
    assert page.heading == "Vous êtes déconnecté", visitor.last.text[:2000]
    assert not visitor.entered
    assert "passwordfield" in visitor.provider.ask("/").text
    assert "code" not in returned(visitor.provider.ask(visitor.provider.authorize()))


def test_a_log_out_at_the_provider_ends_the_portal_s(inside: Any, browser: Any) -> None:
    visitor, who = inside
    other = browser()
    other.log_in(who.uid, who.account.password)
    assert visitor.entered and other.entered
    visitor.provider.ask("/?logout=1")
    assert not visitor.entered
    assert other.entered, "another session"


def test_a_block_ends_it_at_the_next_page(inside: Any, browser: Any, person: Any, site: Site) -> None:
    visitor, who = inside
    neighbour, other = browser(), person()
    neighbour.log_in(other.uid, other.account.password)
    assert "code" in returned(visitor.provider.ask(visitor.provider.authorize())), "the provider knows the agent"
    Cli(site).out("block", who.uid, "--reason", "essai")
    page = visitor.get("/compte")
    assert "pris fin" in page.main
    assert not visitor.entered and neighbour.entered
    assert "code" not in returned(visitor.provider.ask(visitor.provider.authorize()))
    assert "code" in returned(neighbour.provider.ask(neighbour.provider.authorize()))


def test_what_operators_did_is_told(inside: Any, site: Site) -> None:
    visitor, who = inside
    Cli(site).out("quota", who.uid, "3000")
    text = visitor.get("/compte/journal").main
    assert "Taille de la boîte changée" in text and "par l’académie" in text
    assert "root@" not in text


@pytest.mark.full
def test_exports_and_delegations_are_told(inside: Any, site: Site, people: People) -> None:
    visitor, who = inside
    box, cli = people.box(), Cli(site)
    assert "boîte partagée" not in visitor.get("/compte/journal").main
    cli.out("box", "delegate", box.uid, who.uid)
    assert cli.typed("export", who.uid, "--out", "-", "--reason", "demande 4711", given=b"").returncode == 0
    text = visitor.get("/compte/journal").main
    assert "Accès à une boîte partagée modifié" in text
    assert "Données remises" in text and "motif : demande 4711" in text


@pytest.mark.full
def test_log_ins_are_listed_and_ended(inside: Any, browser: Any) -> None:
    visitor, who = inside
    second = browser()
    second.log_in(who.uid, who.account.password)
    (key,) = [
        form["fields"]["session"] for form in visitor.get("/compte/appareils").forms() if "session" in form["fields"]
    ]
    visitor.press("/compte/appareils", "/compte/sessions/fermer", session=key)
    assert visitor.entered and not second.entered
    visitor.press("/compte/appareils", "/compte/sessions/fermer")
    assert not visitor.entered


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
