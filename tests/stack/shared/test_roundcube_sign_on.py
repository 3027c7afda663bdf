"""The log-in to Roundcube by the academy's page: the way there and back, what is refused, what ends it."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.ends import roundcube_late, roundcube_sessions
from tests.stack.support.site import Site

BACK = "/index.php/login/oauth"


def asked(path: str) -> dict[str, str]:
    """The parameters of a question to the log-in page."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))


def test_no_page_of_it_asks_for_a_password(webmail: Any) -> None:
    for path in ("/", "/?_task=login", "/?_task=mail", "/?_task=settings&_action=about", BACK):
        given = asked(webmail().leave(path))
        assert given["client_id"] == "roundcube" and given["response_type"] == "code", path
        assert len(given["state"]) == len(given["nonce"]) == 32
        assert (len(given["code_challenge"]), given["code_challenge_method"]) == (43, "S256")


def test_its_own_form_lets_nobody_in(webmail: Any, people: Any, enters: Any) -> None:
    agent = people.agent()
    here = webmail()
    here.ask("/")
    form = {"_task": "login", "_action": "login", "_user": agent.uid, "_pass": agent.password, "_token": "x"}
    answer = here.ask("/?_task=login&_action=login", form)
    assert answer.status == 302 and here.sso.name in answer.headers["Location"]
    assert "roundcube_sessauth" not in here.cookies
    assert enters(agent.uid, agent.password), "a mail program still does"


def test_a_wrong_password_enters_nobody(webmail: Any, people: Any) -> None:
    agent = people.agent()
    assert not webmail().login(agent.uid, agent.password + "x")
    assert webmail().login(agent.uid, agent.password)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/?_task=settings&_action=identities", {"_task": "settings", "_action": "identities"}),
        ("/?_task=mail&_mbox=Archives", {"_task": "mail", "_mbox": "Archives"}),
        ("/?_task=mail&_action=compose&_id=4711", {"_task": "mail", "_action": "compose"}),
        ("/?_task=logout", {"_task": "mail"}),
        ("/?_task=https://autre.test/", {"_task": "mail"}),
        ("/", {"_task": "mail"}),
    ],
)
def test_the_page_that_was_wanted_is_opened(webmail: Any, people: Any, path: str, query: dict[str, str]) -> None:
    agent, here = people.agent(), webmail()
    where = here.enter(here.back(here.sso.log_in(agent.uid, agent.password, here.leave(path))))
    found = asked(where)
    found.pop("_token", None)
    assert found == query
    assert urllib.parse.urlsplit(where).netloc in ("", here.name)


def test_a_way_back_without_its_way_out_enters_nobody(webmail: Any, people: Any) -> None:
    """Log-in by a stranger's code (RFC 6749, 10.12): the victim's browser never went out with that state."""
    attacker, victim = webmail(), webmail()
    agent = people.agent()
    path = attacker.back(attacker.sso.log_in(agent.uid, agent.password, attacker.leave()))
    assert path.startswith(f"{BACK}?")
    victim.leave()
    for wrong in (path, re.sub(r"state=\w+", "state=", path), re.sub(r"&?state=\w+", "", path)):
        answer = victim.ask(wrong)
        assert answer.status == 403, wrong
        assert "n’a pas abouti" in answer.text
        assert not victim.inside
    assert attacker.enter(path), "whoever went out comes back"
    again = webmail()
    assert again.ask(path).status == 403, "and once alone"


def test_a_code_for_another_way_is_not_redeemed(webmail: Any, people: Any, site: Site) -> None:
    """A code that was stolen elsewhere, put into a way of one's own: it has another verifier (RFC 7636)."""
    agent, here, thief = people.agent(), webmail(), webmail()
    stolen = asked(here.back(here.sso.log_in(agent.uid, agent.password, here.leave())))["code"]
    state = asked(thief.leave())["state"]
    answer = thief.ask(f"{BACK}?{urllib.parse.urlencode({'code': stolen, 'state': state})}")
    assert "roundcube_sessauth" not in thief.cookies, answer.status
    assert not thief.inside
    assert "invalid_grant" in site.run(site.host_of("web"), "journalctl -t roundcube --since=-2min -o cat")


def test_tabs_that_open_together_all_come_back(webmail: Any, people: Any) -> None:
    agent, here = people.agent(), webmail()
    ways = [here.leave(f"/?_task={task}") for task in ("mail", "settings", "addressbook")]
    first = here.back(here.sso.log_in(agent.uid, agent.password, ways[2]))
    assert "addressbook" in here.enter(first)
    for way in ways[:2]:
        answer = here.ask(here.back(here.sso.ask(way)))
        assert answer.status == 302 and "_task=mail" in answer.headers["Location"]
    assert here.inside


def test_log_out_ends_the_log_in_page_too(webmail: Any, people: Any) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    assert "code=" in here.back(here.sso.ask(here.leave_as_new())), "a second service asks nothing"
    answer = here.ask(f"/?_task=logout&_token={here.token}")
    path = (answer.headers["Location"] or "").removeprefix(f"https://{here.sso.name}")
    assert path.startswith("/oauth2/logout?")
    end = here.sso.ask(path)
    assert end.headers["Location"] == f"https://{here.name}/", "and leads back without a question"
    assert not here.inside
    assert here.back(here.sso.ask(here.leave())) == "", "the form is shown again"


def test_no_password_and_no_open_token_is_kept(webmail: Any, people: Any, site: Site) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    (kept,) = roundcube_sessions(site, agent.uid)
    assert agent.password not in kept
    assert not re.search(r"eyJ[\w-]+\.eyJ", kept), "a token in the open"
    assert "password|" in kept, "the one that is closed"


def test_a_page_stays_open_past_the_end_of_its_token(webmail: Any, people: Any, site: Site) -> None:
    """Its time is set back in the database, thrice: nobody waits a quarter of an hour."""
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    seen = set()
    for _turn in range(3):
        (kept,) = roundcube_sessions(site, agent.uid)
        sealed = re.search(r'password\|s:\d+:"([^"]+)"', kept)
        assert sealed and sealed[1] not in seen, "another token"
        seen.add(sealed[1])
        roundcube_late(site, agent.uid)
        assert here.list() is not None
    assert here.inside


@pytest.mark.parametrize("act", ["block", "suspend"])
def test_an_account_that_is_shut_is_out_at_once_and_told_why(webmail: Any, people: Any, site: Site, act: str) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    Cli(site).out(act, agent.uid, *(["--reason", "essai"] if act == "block" else []))
    answer = here.ask("/?_task=mail")
    assert answer.status == 302, "the session is gone"
    path = here.back(here.sso.ask(here.leave()))
    if path:
        # Where the log-in page could not be reached it still knows the agent; the mail server does not.
        answer = here.ask(path)
        assert answer.status == 200 and "sign-on-reason" in answer.text
    assert not here.inside
