"""Second factors at the log-in page, by protocol: enrolled, asked for, spent once, slowed, lost, required."""

import datetime
import hashlib
import json
import re
import secrets
import shlex
from typing import Any

import pytest
from malleposte.accountd.calls import factors, log_in_page
from malleposte.accountd.calls.account import ShowJournal
from malleposte.accountd.calls.log_ins import EndLogIn, NameBrowser, OpenLogIn, ShowLogIns
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.adapters import lemonldap
from malleposte.policy import rules
from msgspec import structs

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.factors import Agent
from tests.stack.support.mail import Mail, body, token, wait_for
from tests.stack.support.passwords import age
from tests.stack.support.portal import Portal
from tests.stack.support.provider import BROWSER, SESSION
from tests.stack.support.site import Site
from tests.stack.support.sso import journal, told
from tests.stack.support.web import Web

GUESSES = 8
"""Tries from each network: more than are free."""
STRANGERS = 50
"""Tries of browsers that the account does not know, of all networks together."""


@pytest.fixture
def agent(site: Site, web: Web) -> Any:
    """Further browsers."""
    return lambda: Agent(site, web)


@pytest.fixture
def there() -> str:
    """An address of a network that no other test has."""
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.9"


def test_an_application_of_codes_is_asked_for_once_enrolled(agent: Any, person: Any) -> None:
    who, first, again, attacker = person(), agent(), agent(), agent()
    first.log_in(who.uid, who.account.password)
    assert first.entered, "no factor yet"
    application = first.enrol()
    page = again.log_in(who.uid, who.account.password)
    assert not again.entered and 'name="code"' in page.text
    code = application.code()
    again.answer(page, code)
    assert again.entered
    attacker.prove(who, code)
    assert not attacker.entered, "a code serves once"
    attacker.prove(who, application.code())
    assert attacker.entered


def test_the_password_alone_or_a_wrong_code_opens_nothing(agent: Any, person: Any) -> None:
    who, owner, attacker = person(), agent(), agent()
    application = owner.enrolled(who)
    page = attacker.log_in(who.uid, who.account.password)
    for path in ("/2fregisters", "/2fregisters/totp", attacker.authorize()):
        answer = attacker.ask(path)
        assert "code=" not in (answer.headers["Location"] or "") and "<code" not in answer.text
    again = attacker.answer(page, "000000")
    assert not attacker.entered
    attacker.answer(again, application.code())
    assert attacker.entered


def test_a_password_alone_is_no_log_in_in_the_owner_s_list(agent: Any, person: Any, site: Site) -> None:
    who, owner, attacker = person(), agent(), agent()

    def listed() -> int:
        words = f"malleposte sso sessions list {who.uid} --json"
        return len(json.loads(site.run("pia1", words))["sessions"])

    application = owner.enrolled(who)
    assert listed() == 1
    page = attacker.log_in(who.uid, who.account.password)
    assert 'name="code"' in page.text and listed() == 1
    attacker.answer(page, application.code())
    assert attacker.entered and listed() == 2


def test_wrong_codes_wait_and_the_owner_elsewhere_does_not(agent: Any, person: Any, site: Site, there: str) -> None:
    who, owner = person(), agent()
    application = owner.enrolled(who)
    ask = {"address": there, "user": who.uid, "kind": "totp"}
    waits = []
    for number in range(10):
        code = f"{number:06d}"
        (_status, answer), _ = told(
            site, ("/try", ask | {"code": code}), ("/tried", ask | {"code": code, "right": False})
        )
        waits.append(answer.get("wait", 0))
    # A wait may have ended by the next guess; each is twice as long as the one before.
    assert waits[0] == 0 and max(waits) >= 1
    visitor = agent()
    visitor.prove(who, application.code())
    assert visitor.entered


@pytest.mark.full
def test_guesses_from_thirty_networks_wait_and_a_recovery_code_opens(agent: Any, person: Any, site: Site) -> None:
    who, owner, second = person(), agent(), secrets.randbelow(256)
    owner.enrolled(who)
    recovery = owner.recovery_codes()[0]
    about = {"user": who.uid, "kind": "totp"}
    guesses = [
        ("/try", about | {"address": f"10.{second}.{number // GUESSES}.9", "code": f"{number:06d}"})
        for number in range(30 * GUESSES)
    ]
    tries = [answer for _status, answer in told(site, *guesses)]
    let_through = [tries[first : first + GUESSES].count({"uid": who.uid}) for first in range(0, len(tries), GUESSES)]
    # A wait may have ended by the next guess. All networks together have the guesses of one account's strangers.
    assert len(let_through) == 30 and max(let_through) < GUESSES and 0 < sum(let_through) <= STRANGERS, let_through
    visitor = agent()
    page = visitor.other_way(visitor.log_in(who.uid, who.account.password), "secours")
    visitor.answer(page, recovery, "/secours2fcheck")
    assert visitor.entered


def test_many_wrong_codes_on_the_page_are_told_to_wait(agent: Any, person: Any) -> None:
    who, visitor = person(), agent()
    visitor.enrolled(who)
    pages, page = [], None
    attacker = agent()
    for number in range(9):
        if page is None or 'name="code"' not in page.text:
            page = attacker.log_in(who.uid, who.account.password)
        page = attacker.answer(page, f"{number:06d}")
        pages.append(page.text)
    assert any('trmsg="86"' in text for text in pages)
    assert not attacker.entered


def test_the_portal_shows_a_factor_and_keeps_the_last_one(agent: Any, person: Any, site: Site) -> None:
    who, owner, portal = person(), agent(), Portal(site)
    owner.log_in(who.uid, who.account.password)
    token = portal.token(who.uid)
    assert portal.one(factors.ShowFactors(portal.source, who.uid, token)).factors == ()
    owner.enrol("Telephone")
    (shown,) = portal.one(factors.ShowFactors(portal.source, who.uid, token)).factors
    assert (shown.kind, shown.name) == ("totp", "Telephone") and shown.made
    wrong = factors.RemoveFactor(portal.source, who.uid, token, rules.generate(), shown.ident)
    assert portal.one(wrong).error == "not_proved"
    assert portal.one(structs.replace(wrong, password=who.account.password)).error == "refused_value"
    assert portal.one(factors.ShowFactors(portal.source, who.uid, token)).factors == (shown,)


def test_recovery_codes_serve_once(agent: Any, person: Any) -> None:
    who, owner, lost, attacker = person(), agent(), agent(), agent()
    owner.log_in(who.uid, who.account.password)
    assert owner.recovery_codes() == [], "not without a factor"
    owner.enrol()
    codes = owner.recovery_codes()
    assert len(codes) == 10
    page = lost.other_way(lost.log_in(who.uid, who.account.password), "secours")
    lost.answer(page, codes[4].lower(), "/secours2fcheck")
    assert lost.entered
    page = attacker.other_way(attacker.log_in(who.uid, who.account.password), "secours")
    page = attacker.answer(page, codes[4], "/secours2fcheck")
    assert not attacker.entered
    attacker.answer(page, codes[5], "/secours2fcheck")
    assert attacker.entered


def test_a_code_at_the_recovery_address_replaces_a_lost_factor(
    agent: Any, person: Any, site: Site, mail: Mail, there: str
) -> None:
    mark = token()
    who = person(mpRecoveryMail=[f"test+{mark}@lointain.test"])
    owner, lost = agent(), agent()
    owner.enrolled(who)
    age(site, f"uid={who.uid},ou=people,{site.place.suffix}", 4)
    page = lost.other_way(lost.log_in(who.uid, who.account.password), "secours")
    assert 'value="courriel"' in page.text
    page = lost.other_way(page, "courriel")
    assert "courriel2fcheck" in page.text
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    code = re.search(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)
    assert code
    page = lost.answer(page, "AAAAA-AAAAA", "/courriel2fcheck")
    assert not lost.entered
    answer = lost.answer(page, code[1], "/courriel2fcheck")
    assert (answer.status, lost.entered) == (302, False), "only a new factor opens the session"
    lost.enrol("Nouveau")
    lost.ask("/2fregisters?continue=1")
    assert lost.entered
    told_of = [one["action"] for one in journal(site, who.uid)]
    assert "factor-code" in told_of and told_of.count("factor-add") == 2


def test_who_must_have_one_gets_no_code_by_mail(agent: Any, person: Any, site: Site) -> None:
    who, visitor = person(mpFunction=["Assistance aux usagers"], mpRecoveryMail=["personne@lointain.test"]), agent()
    page = visitor.prove(who, who.code(), "/bureau2fcheck")
    visitor.enrol()
    visitor.ask("/2fregisters?continue=1")
    age(site, f"uid={who.uid},ou=people,{site.place.suffix}", 4)
    lost = agent()
    page = lost.other_way(lost.log_in(who.uid, who.account.password), "secours")
    assert "secours2fcheck" in page.text and 'value="courriel"' not in page.text
    page = lost.other_way(page, "courriel")
    assert "courriel2fcheck" not in page.text and not lost.entered
    assert "factor-code" not in [one["action"] for one in journal(site, who.uid)]


def test_who_must_have_one_enrols_it_with_a_code_of_the_desk(agent: Any, person: Any, site: Site) -> None:
    who, visitor = person(mpFunction=["Assistance aux usagers"]), agent()
    page = visitor.log_in(who.uid, who.account.password)
    assert not visitor.entered and "bureau2fcheck" in page.text
    closed = visitor.ask("/2fregisters/totp/getkey", "POST")
    assert closed.status != 200 and "secret" not in closed.text, "the password alone enrols nothing"
    page = visitor.answer(page, "AAAAA-AAAAA", "/bureau2fcheck")
    code = Cli(site).json("reset", who.uid)["code"]
    answer = visitor.answer(page, code, "/bureau2fcheck")
    assert (answer.status, visitor.entered) == (302, False)
    application = visitor.enrol()
    visitor.ask("/2fregisters?continue=1")
    assert visitor.entered
    status, refused = visitor.call("/2fregisters/totp/delete", epoch=_epoch(visitor))
    assert status == 400 and "malleposteLastFactor" in refused["error"]
    other = agent()
    other.prove(who, application.code())
    assert other.entered


@pytest.mark.full
def test_a_factor_is_removed_and_told(agent: Any, person: Any, mail: Mail) -> None:
    who, owner, after = person(), agent(), agent()
    owner.enrolled(who)
    assert owner.call("/2fregisters/totp/delete", epoch=_epoch(owner)) == (200, {"result": 1})
    after.log_in(who.uid, who.account.password)
    assert after.entered, "no code is asked for any more"
    for subject in ("Way to log in removed", "New way to log in"):
        assert "Telephone" in body(mail.arrived(who.account, subject)), subject


def test_a_log_in_from_a_new_place_is_told(agent: Any, person: Any, mail: Mail, site: Site) -> None:
    who, subject = person(), "new place"
    agent().log_in(who.uid, who.account.password)
    near, far = (f"10.{secrets.randbelow(100)}.{number}" for number in (1, 2))
    places = [f"{near}.9", f"{far}.9"]
    for place in (places[0], places[0], f"{near}.77", places[1]):
        ((status, _answer),) = told(site, ("/entered", {"address": place, "user": who.uid, "how": "password"}))
        assert status == 200
    session = mail.imap(who.account)

    def letters() -> list[str]:
        session.select("INBOX", readonly=True)
        numbers = session.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        return [body(session.fetch(number, "(BODY.PEEK[])")[1][0][1]) for number in numbers]

    wait_for(lambda: all(any(place in one for one in letters()) for place in places), 60, "a letter for each")
    found = letters()
    assert len(found) == len(places), "none of the first place, nor again of one that is known"
    assert [sum(place in one for one in found) for place in places] == [1, 1]


def test_a_trusted_browser_is_asked_for_no_code_until_it_logs_out(agent: Any, person: Any) -> None:
    who, owner, browser = person(), agent(), agent()
    application = owner.enrolled(who)
    page = browser.log_in(who.uid, who.account.password)
    page = browser.answer(page, application.code(), stayconnected="1")
    _fingerprint(browser, page)
    assert browser.entered and browser.cookies["__Host-sso-navigateur"]
    del browser.cookies["__Host-sso"]
    page = browser.log_in(who.uid, who.account.password)
    _fingerprint(browser, page)
    assert browser.entered
    browser.ask("/?logout=1")
    del browser.cookies["__Host-sso"]
    page = browser.log_in(who.uid, who.account.password)
    assert 'name="code"' in page.text and not browser.entered


@pytest.mark.full
def test_a_browser_is_trusted_for_thirty_days(agent: Any, person: Any, site: Site) -> None:
    who, owner, browser = person(), agent(), agent()
    application = owner.enrolled(who)
    page = browser.prove(who, application.code(), stayconnected="1")
    _fingerprint(browser, page)

    def sessions(*words: str) -> str:
        return site.run("pia1", shlex.join([*lemonldap.AS_ITS_USER, lemonldap.PROGRAM, *words]))

    found = json.loads(sessions("search", "--where", f"_session_uid={who.uid}"))
    (kept,) = [one for one in found if "_connectedSince" in one]
    assert 0 <= int(kept["_utime"]) - int(kept["_connectedSince"]) - 30 * 86_400 <= 60
    for days, asked in ((29, False), (30, True)):
        end = int(kept["_utime"]) - days * 86_400
        sessions("setKey", kept["_session_id"], "_utime", str(end))
        del browser.cookies["__Host-sso"]
        page = browser.log_in(who.uid, who.account.password)
        assert ('name="code"' in page.text) is asked, days
        if not asked:
            _fingerprint(browser, page)
            assert browser.entered


def test_a_browser_keeps_the_name_that_its_owner_gave_it(agent: Any, person: Any, mail: Mail, site: Site) -> None:
    who, stranger, owner, other, portal = person(), person(), agent(), agent(), Portal(site)
    given = "Ordinateur « à l’étage » d'Amélie <12>"
    token = portal.token(who.uid)
    for browser in (other, owner):
        browser.log_in(who.uid, who.account.password)
        assert browser.entered

    def name(one: OpenLogIn, name: str, of: str = who.uid) -> Any:
        return portal.one(NameBrowser(portal.source, of, portal.token(of), one.ident, name))

    def shown() -> dict[str, OpenLogIn]:
        """The log-ins by the times at which they began, the latest first, with the names of the browsers."""
        return {one.ident: one for one in portal.one(ShowLogIns(portal.source, who.uid, token)).log_ins}

    before = shown()
    assert len(before) == 2 and all(one.takes_name and not one.name for one in before.values())
    mine = next(iter(before.values()))
    refused = name(mine, given, stranger.uid)
    assert isinstance(refused, Refused) and refused.error == "refused_value", "nobody names the browser of another"
    assert isinstance(name(mine, "x" * 41), Refused) and isinstance(name(mine, "a\x07b"), Refused)
    assert isinstance(name(mine, given), Done)
    assert [one.name for one in shown().values()].count(given) == 1

    # The end of the log-in is not that of the name: its browser has it again.
    named = next(browser for browser in (other, owner) if _digest(browser) in str(who.held("mpBrowserName")))
    assert isinstance(portal.one(EndLogIn(portal.source, who.uid, token, mine.ident)), Done)
    assert given not in {one.name for one in shown().values()}
    del named.cookies[SESSION]
    named.log_in(who.uid, who.account.password)
    assert [one.name for one in shown().values()].count(given) == 1
    lines = [(one.act, one.name) for one in portal.one(ShowJournal(portal.source, who.uid, token)).journal]
    assert ("nom d’un navigateur changé", given) in lines
    assert ("connexions fermées à la page de connexion", given) in lines

    far = f"10.{secrets.randbelow(100)}.3.9"
    words = {"address": far, "user": who.uid, "how": "password", "browser": _digest(named)}
    assert told(site, ("/entered", words))[0][0] == 200
    letter = " ".join(body(mail.arrived(who.account, "new place")).split())
    assert f"(adresse {far}, navigateur « {given} »)" in letter and f"(address {far}, browser “{given}”)" in letter


def _digest(browser: Any) -> str:
    """The digest of the cookie by which the page knows a browser."""
    return hashlib.sha256(browser.cookies[BROWSER].encode()).hexdigest()[:32]


def test_the_owner_ends_a_log_in_and_a_trusted_browser_each_alone(agent: Any, person: Any, site: Site) -> None:
    who, owner, browser, portal = person(), agent(), agent(), Portal(site)
    application = owner.enrolled(who)
    page = browser.log_in(who.uid, who.account.password)
    page = browser.answer(page, application.code(), stayconnected="1")
    _fingerprint(browser, page)
    assert browser.entered
    token = portal.token(who.uid)

    def shown() -> list[OpenLogIn]:
        return list(portal.one(ShowLogIns(portal.source, who.uid, token)).log_ins)

    def end(one: OpenLogIn) -> Any:
        return portal.one(EndLogIn(portal.source, who.uid, token, one.ident))

    (trusted,) = [one for one in shown() if one.trusted]
    assert trusted.place, "the software keeps none"
    since, until = (datetime.datetime.fromisoformat(one) for one in (trusted.since, trusted.until))
    assert (until - since).days == 30
    assert isinstance(end(trusted), Done)
    del browser.cookies["__Host-sso"]
    page = browser.log_in(who.uid, who.account.password)
    assert 'name="code"' in page.text and not browser.entered
    assert "passwordfield" not in owner.ask("/").text, "the other log-ins go on"
    for one in shown():
        assert one.place and not one.trusted
        assert isinstance(end(one), Done)
    again = end(trusted)
    assert isinstance(again, Refused) and again.error == "refused_value"
    assert shown() == [] and "passwordfield" in owner.ask("/").text
    assert [one["action"] for one in journal(site, who.uid)].count("sso-end") >= 3


def test_no_client_but_the_log_in_page_speaks_of_factors(site: Site, person: Any, there: str) -> None:
    who = person()
    ask = factors.MakeRecoveryCodes(there, who.uid), log_in_page.FactorTried(there, who.uid, "totp", "1", right=True)
    assert Portal(site).ask(*ask) == [Refused(ErrorCode.UNAUTHORISED)] * 2
    ((status, answer),) = told(site, ("/codes", {"address": there, "user": who.uid}))
    assert (status, len(answer["codes"])) == (200, 10)


def _epoch(visitor: Agent) -> str:
    found = re.search(r'epoch="(\d+)"', visitor.ask("/2fregisters").text)
    assert found
    return found[1]


def _fingerprint(browser: Agent, page: Any) -> None:
    """Send the form by which the page recognises a browser."""
    action = re.search(r'action="(/[a-z]+)"', page.text)
    hidden = dict(re.findall(r'name="([a-z]+)" (?:id="[a-z]+" )?value="([^"]*)"', page.text))
    assert action, page.text[:1000]
    browser.ask(action[1], "POST", **(hidden | {"fg": "x"}))
