"""The help desk on the portal, by protocol: refusals beside what is done, codes, a lost factor, journals and audit."""

import csv
import imaplib
import io
import secrets
from dataclasses import replace
from typing import Any

import pytest
from malleposte.directory.model import State
from malleposte.policy import rules

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import act, enrolled, entered, help_desk
from tests.stack.support.factors import Agent
from tests.stack.support.mail import Mail, body, wait_for
from tests.stack.support.provider import claims, returned
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.visitor import Visitor
from tests.stack.support.web import Web
from tests.support.academy import uai
from tests.support.page import Page

WHY = "demande 4711"
FACTOR, REACH = "demande un second facteur", "de votre périmètre"


@pytest.fixture
def school() -> str:
    """The code of a school that no other test has."""
    return uai(5000 + secrets.randbelow(5000))


@pytest.fixture
def desk(site: Site, web: Web, person: Any, school: str) -> Any:
    """A help desk of the school: who it is, and the browser."""
    who = person(mpEstablishment=[school])
    return who, help_desk(site, web, who, "--school", school)


def sheet(visitor: SignedOn, uid: str) -> tuple[int | None, str]:
    """The status and the text of an agent's sheet."""
    page = visitor.get(f"/assistance/agent?agent={uid}")
    return visitor.last.status if visitor.last else None, page.main


def test_it_finds_and_sees_the_agents_of_its_school_alone(desk: Any, person: Any, school: str) -> None:
    who, visitor = desk
    near, far = person(mpEstablishment=[school]), person(mpEstablishment=["0000000X"])
    assert near.uid in act(visitor, "/assistance", text=near.uid).main
    assert far.uid not in act(visitor, "/assistance", text=far.uid).main
    status, text = sheet(visitor, near.uid)
    assert (status, near.account.mail in text) == (200, True)
    for uid in (far.uid, "nul-ne-porte-ce-nom"):
        status, text = sheet(visitor, uid)
        assert (status, REACH in text) == (403, True), "one answer for both"
    status, text = sheet(visitor, who.uid)
    assert (status, "votre propre compte" in text) == (403, True)


def test_a_sheet_tells_a_wrong_password_of_a_program_and_a_right_one(
    desk: Any, person: Any, school: str, mail: Mail
) -> None:
    _who, visitor = desk
    near = person(mpEstablishment=[school])
    with pytest.raises(imaplib.IMAP4.error):
        mail.imap(replace(near.account, password=rules.generate()))
    mail.imap(near.account)

    def told() -> bool:
        _status, text = sheet(visitor, near.uid)
        return "mot de passe inexact" in text and "Aucune ces derniers jours" not in text

    wait_for(told, 60, "both log-ins on the sheet")


def test_a_log_in_without_a_second_factor_opens_nothing(site: Site, web: Web, person: Any, school: str) -> None:
    who, near = person(mpEstablishment=[school]), person(mpEstablishment=[school])
    by_password = entered(site, web, who)
    application = enrolled(site, web, who)
    Cli(site).json("role", "grant", who.uid, "helpdesk", "--school", school, "--reason", "essai")
    for address in ("/assistance", "/assistance/listes", f"/assistance/agent?agent={near.uid}"):
        assert FACTOR in by_password.get(address).main
    both = entered(site, web, who, application)
    status, text = sheet(both, near.uid)
    assert (status, near.account.mail in text) == (200, True)
    Cli(site).json("role", "withdraw", who.uid, "helpdesk", "--reason", "essai")
    assert "réservée à l’assistance" in sheet(both, near.uid)[1], "at once, the log-in lasting"


def test_the_token_says_the_level_of_the_log_in_to_the_portal(site: Site, web: Web, person: Any) -> None:
    who = person()
    application = enrolled(site, web, who)
    agent = Agent(site, web)
    agent.prove(who, application.code())
    status, told = agent.redeem(returned(agent.ask(agent.authorize()))["code"])
    assert (status, claims(told["access_token"])["level"]) == (200, 4)
    asked = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    status, told = agent.redeem("", redirect_uri="", code_verifier="", **asked)
    assert (status, claims(told["access_token"])["level"]) == (200, 4)


def _journal(visitor: SignedOn) -> str:
    """The text of an agent's journal; empty where the log-in did not come about."""
    text = visitor.get("/compte/journal").main
    return "" if "n’a pas abouti" in text else text


def test_a_code_read_aloud_gives_a_new_password_and_its_owner_sees_it(
    site: Site, web: Web, desk: Any, person: Any, school: str, enters: Any, mail: Mail
) -> None:
    who, visitor = desk
    near, new = person(mpEstablishment=[school]), rules.generate()
    address = f"/assistance/code?agent={near.uid}&ways=aloud"
    page = act(visitor, address, reason=WHY)
    assert "Rappelez d’abord" in page.named("errors")
    code = act(visitor, address, reason=WHY, called_back="y").named("secret")
    assert len(code) == 11
    shown = f"/assistance/code/lire?agent={near.uid}"
    held = near.held("mpInaCode")
    again = visitor.follow(visitor.ask(shown))
    assert "n’est affiché qu’une fois" in Page(again.text).main and code not in again.text
    assert near.held("mpInaCode") == held, "a reload makes no second code"
    browser = Visitor(site, web)
    browser.send("/motdepasse/oublie", numen=near.numen, code=code, new=new, again=new)
    assert browser.status == 200
    assert enters(near.uid, new)
    near.account = replace(near.account, password=new)
    # A log-in of the second in which all others ended is not told from these: it is asked for once more.
    text = wait_for(lambda: _journal(entered(site, web, near)))
    assert "Code lu au téléphone" in text and "par l’assistance" in text and WHY in text
    assert who.uid not in text
    rows = list(csv.reader(io.StringIO(Cli(site).out("audit", "--actor", who.uid)), delimiter=";"))
    acts = [(row[1], row[2], row[3], row[4]) for row in rows[1:]]
    assert (who.uid, "aloud", near.uid, WHY) in acts
    assert (who.uid, "refused", near.uid, "") in acts
    assert code not in str(rows)
    letter = body(mail.arrived(near.account, "A code was read to you"))
    assert "rappelé à un numéro connu" in letter and code not in letter


@pytest.mark.full
def test_a_letter_is_asked_for_and_printed(site: Site, desk: Any, person: Any, school: str) -> None:
    _who, visitor = desk
    near = person(State.PENDING, mpEstablishment=[school])
    assert near.uid in act(visitor, "/assistance/listes", school=school, state="pending").main
    act(visitor, f"/assistance/code?agent={near.uid}&ways=letter", reason=WHY)
    assert near.held("mpLetterAsked")["mpLetterAsked"]
    made = f"/root/lettres-{secrets.token_hex(4)}"
    try:
        told = Cli(site).json("letters", "--asked", "--school", school, "--out", made)
    finally:
        site.run(site.host_of("directory"), f"rm -rf {made}")
    assert told["letters"] == 1
    assert near.held("mpLetterAsked") == {}


@pytest.mark.full
def test_roles_are_listed(site: Site, desk: Any, school: str) -> None:
    who, _visitor = desk
    found = {row["uid"]: row["roles"] for row in Cli(site).json("role", "list")}
    assert found[who.uid] == [f"helpdesk {school}"]
    refused = Cli(site)("role", "grant", who.uid, "helpdesk")
    assert (refused.returncode, "--everywhere" in refused.stderr) == (2, True)
