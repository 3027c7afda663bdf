"""The log-in to SOGo by the academy's page: the way there and back, what is refused, what ends it."""

import base64
import json
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.daemons.dav_router.sessions import COOKIE

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.ends import SOGO_SESSIONS as FOLDER
from tests.stack.support.ends import sogo_late
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web

Visit = Callable[[Any], Groupware]


@pytest.fixture
def visit(site: Site, ca_bundle: Path) -> Visit:
    """A visitor of SOGo, for an account."""
    return lambda account: Groupware(site, ca_bundle, account)


@pytest.fixture
def agent(people: Any) -> Any:
    """An agent of the class that has SOGo."""
    return people.agent(profile="convergence")


def asked(path: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))


def test_no_page_of_it_asks_for_a_password(visit: Visit, agent: Any) -> None:
    for path in ("/SOGo/", "/SOGo/so/mdupond/Mail/view", "/SOGo/so/", "/SOGo/so/mdupond/Calendar/x?y=z"):
        given = asked(visit(agent).leave(path))
        assert given["client_id"] == "sogo" and given["response_type"] == "code", path
        assert given["code_challenge_method"] == "S256" and len(given["state"]) == 32 and given["nonce"]


def test_a_session_has_a_cookie_of_its_own_and_sogo_has_none(visit: Visit, agent: Any) -> None:
    here = visit(agent)
    answer = here.get(here.back(here.sign_in(here.leave())))
    (line,) = [line for line in answer.header("Set-Cookie") if line.startswith(f"{COOKIE}=")]
    assert {"path=/", "secure", "httponly", "samesite=lax"} <= {one.strip().lower() for one in line.split(";")}
    assert here.inside
    assert not [name for name in here.cookies if name.startswith("0x")]


def test_a_code_for_another_way_has_another_verifier(visit: Visit, agent: Any) -> None:
    """A code that was stolen elsewhere, put into a way of one's own."""
    here, attacker = visit(agent), visit(agent)
    stolen = asked(here.back(here.sign_in(here.leave())))["code"]
    state = asked(attacker.leave())["state"]
    answer = attacker.get(f"/connexion/retour?{urllib.parse.urlencode({'code': stolen, 'state': state})}")
    assert answer.status == 403 and COOKIE not in attacker.cookies
    assert not attacker.inside


def test_agents_of_each_class_end_where_their_mail_is(visit: Visit, agent: Any, people: Any, webmail: Any) -> None:
    other, names = people.agent(profile="roundcube"), visit(agent).site.platform["hostnames"]
    stranger = visit(other)
    for path in ("/SOGo/", f"/SOGo/so/{other.uid}/Calendar/view"):
        answer = stranger.get(stranger.back(stranger.sign_in(stranger.leave(path))))
        answer = stranger.get(answer.header("Location")[0])
        assert answer.header("Location") == [f"https://{names['webmail']}/?_task=mail&_agenda=absent"], path
        stranger.cookies.clear()
        stranger.sso_cookies.clear()
    assert not stranger.inside
    light = webmail()
    sent = light.leave("/?_task=mail&_agenda=absent")
    led = light.enter(light.back(light.sso.log_in(other.uid, other.password, sent)))
    assert "_agenda=absent" in led, "and is at home there"
    here = webmail()
    answer = here.ask(here.back(here.sso.log_in(agent.uid, agent.password, here.leave())))
    assert answer.headers["Location"] == f"https://{names['groupware']}/"
    assert "roundcube_sessauth" not in here.cookies
    assert visit(agent).enters()


def test_a_cookie_of_sogo_s_own_opens_nothing(visit: Visit, agent: Any, people: Any) -> None:
    """However it is written: SOGo hears no cookie, and its front knows its own sessions alone."""
    here, victim = visit(agent).login(), people.agent(profile="convergence")
    mine = here.cookies[COOKIE]
    word = mine.rpartition(".")[2]
    forged = "basic%20" + urllib.parse.quote(base64.b64encode(b"a:b").decode(), safe="")
    for cookie in (
        f"0xHIGHFLYxSOGo={forged}", f"{COOKIE}={victim.uid}.{word}", f"{COOKIE}={victim.uid}.{'0' * 64}",
        f"{COOKIE}=../{mine}", f"{COOKIE}={here.session_file}", f"{COOKIE}=", f"x={mine}", f"{COOKIE.lower()}={mine}",
        f"0xHIGHFLYxSOGo={forged}; {COOKIE}={victim.uid}.{word}",
    ):  # fmt: skip
        answer = here.request("GET", f"/SOGo/so/{victim.uid}/jsonDefaults", headers={"Cookie": cookie})
        assert answer.status == 302 and here.sso in answer.header("Location")[0], cookie
    answer = here.request(
        "GET", here.own("jsonDefaults"), headers={"Cookie": f"0xHIGHFLYxSOGo={forged}; {COOKIE}={mine}"}
    )
    assert answer.status == 200


def test_another_site_has_nothing_done(visit: Visit, agent: Any) -> None:
    here, change = visit(agent).login(), {"sortingAttributes": {"match": "OR", "sort": "arrival", "asc": 0}}
    path, kind = here.own("Mail/0/folderINBOX/view"), {"Content-Type": "application/json"}
    assert here.request("POST", path, json.dumps(change), headers=kind).status == 200
    for site, mode in (("cross-site", "no-cors"), ("same-site", "cors"), ("same-site", "navigate")):
        sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        assert here.request("POST", path, json.dumps(change), headers=kind | sent).status == 401, sent
        assert here.request("GET", here.own("Calendar/personal/addUserInAcls?uid=x"), headers=sent).status in (302, 401)
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert here.request("GET", here.own("Mail/view"), headers=from_elsewhere).status == 200, "a link is a link"
    assert here.request("POST", path, json.dumps(change), headers=kind | {"Origin": "https://x.test"}).status == 401


@pytest.mark.full
def test_a_browser_that_comes_from_the_log_in_page_goes_round_nowhere(visit: Visit, agent: Any) -> None:
    """It says so of every redirection that follows."""
    here, path = visit(agent).login(), "/SOGo/"
    sent = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    for _step in range(6):
        answer = here.request("GET", path, headers=sent)
        if answer.status == 200:
            break
        where = answer.header("Location")[0]
        assert here.sso not in where, path
        path = urllib.parse.urlsplit(where).path
    assert answer.status == 200 and path == here.own("Mail/view")


@pytest.mark.full
def test_a_page_stays_open_past_the_end_of_its_token(visit: Visit, agent: Any, site: Site) -> None:
    """Its time is set back in the front's file, thrice: nobody waits a quarter of an hour."""
    here, seen = visit(agent).login(), set()
    for _turn in range(3):
        kept = json.loads(site.run(site.host_of("web"), f"cat {FOLDER}/{here.session_file}"))
        assert kept["access"] not in seen, "another token"
        seen.add(kept["access"])
        sogo_late(site, agent.uid)
        assert here.listed() == []


def test_files_of_sessions_are_the_front_s_alone(visit: Visit, agent: Any, site: Site) -> None:
    here = visit(agent).login()
    told = site.run(site.host_of("web"), f"stat -c '%a %U' {FOLDER} {FOLDER}/{here.session_file}")
    assert told.split() == ["700", "dav-router", "600", "dav-router"]
    word = here.cookies[COOKIE].rpartition(".")[2]
    assert word not in site.run(site.host_of("web"), f"grep -r . {FOLDER}; ls {FOLDER}"), (
        "what lies there opens nothing"
    )
    assert agent.password not in site.run(site.host_of("web"), f"cat {FOLDER}/{here.session_file}")


def test_mail_is_sent_by_a_token_and_by_no_other_box_s(visit: Visit, agent: Any, mail: Any, site: Site) -> None:
    here, subject = visit(agent).login(), token()
    assert here.send(to=[agent.mail], subject=subject, text="x").status == 200
    assert mail.arrived(agent, subject)


@pytest.mark.parametrize("act", ["block", pytest.param("suspend", marks=pytest.mark.full)])
def test_an_account_that_is_shut_is_out_at_once(visit: Visit, agent: Any, people: Any, site: Site, act: str) -> None:
    here, other = visit(agent).login(), visit(people.agent(profile="convergence")).login()
    Cli(site).out(act, agent.uid, *(["--reason", "essai"] if act == "block" else []))
    assert not here.inside
    assert not visit(agent).enters()
    assert other.inside


def test_an_end_of_sessions_ends_it(visit: Visit, agent: Any, people: Any, site: Site, web: Web) -> None:
    here, again, other = visit(agent).login(), visit(agent).login(), visit(people.agent(profile="convergence")).login()
    portal = SignedOn(site, web)
    portal.log_in(agent.uid, agent.password)
    portal.press("/compte/appareils", "/compte/sessions/fermer")
    assert not here.inside and not again.inside
    assert other.inside and visit(agent).enters()


@pytest.mark.parametrize(
    ("scopes", "told"), [(("dav", "smtp"), True), pytest.param(("dav",), False, marks=pytest.mark.full)]
)
def test_a_device_has_its_agenda_by_a_password_of_its_own_and_invites_by_it(
    visit: Visit, agent: Any, people: Any, mail: Any, site: Site, scopes: tuple[str, ...], told: bool
) -> None:
    guest, ident = people.agent(profile="convergence"), token()
    words = [word for scope in scopes for word in ("--scope", scope)]
    made = Cli(site).json("device", "add", agent.uid, "--name", "Téléphone", *words)["password"]
    # Another of the account's names would be no name to SOGo: its front gives the uid.
    telephone = visit(replace(agent, uid=agent.mail, password=made))
    people_of_it = [f"ORGANIZER:mailto:{agent.mail}", f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{guest.mail}"]
    text = event(ident, f"Réunion {ident}", *people_of_it)
    path = f"Calendar/personal/{ident}.ics"
    assert telephone.put(path, text, "text/calendar", agent.uid) == 201
    assert ident in visit(agent).fetch(path).text
    assert visit(replace(agent, password=made[:-1] + ("a" if made[-1] != "a" else "b"))).fetch(path).status == 401
    assert not visit(agent).enters(made), "and no log-in page takes it"
    if told:
        assert mail.arrived(guest, "Invitation")
    else:
        assert mail.count(guest, "Invitation") == 0


def test_with_a_second_factor_a_device_needs_its_own_password(
    visit: Visit, agent: Any, people: Any, site: Site
) -> None:
    made = Cli(site).json("device", "add", agent.uid, "--name", "Téléphone", "--scope", "dav")["password"]
    assert visit(agent).propfind("").status == 207
    people.change(agent, mpTwoFactor=["totp"])
    site.run("mail1", f"doveadm auth cache flush {agent.uid}")
    assert visit(agent).propfind("").status == 401
    assert visit(replace(agent, password=made)).propfind("").status == 207
    assert visit(agent).enters(), "the log-in page asks the provider for the factor, and it knows of none here"
