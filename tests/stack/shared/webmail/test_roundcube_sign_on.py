"""The log-in to Roundcube by the academy's page: the way there and back, what is refused, what ends it."""

import re
import urllib.parse
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.ends import roundcube_changed, roundcube_late, roundcube_sessions
from tests.stack.support.guessers import second_address
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
    agent, here, attacker = people.agent(), webmail(), webmail()
    stolen = asked(here.back(here.sso.log_in(agent.uid, agent.password, here.leave())))["code"]
    state = asked(attacker.leave())["state"]
    answer = attacker.ask(f"{BACK}?{urllib.parse.urlencode({'code': stolen, 'state': state})}")
    assert "roundcube_sessauth" not in attacker.cookies, answer.status
    assert not attacker.inside
    assert "invalid_grant" in site.run(site.host_of("web"), "journalctl -t roundcube --since=-2min -o cat")


@pytest.mark.full
def test_tabs_that_open_together_all_come_back(webmail: Any, people: Any) -> None:
    agent, here = people.agent(), webmail()
    ways = [here.leave(f"/?_task={task}") for task in ("mail", "settings", "addressbook")]
    first = here.back(here.sso.log_in(agent.uid, agent.password, ways[2]))
    assert "addressbook" in here.enter(first)
    for way in ways[:2]:
        answer = here.ask(here.back(here.sso.ask(way)))
        assert answer.status == 302 and "_task=mail" in answer.headers["Location"]
    assert here.inside


def test_a_visitor_leaves_no_row_and_an_agent_one(webmail: Any, people: Any, site: Site) -> None:
    """Rows that anybody can make fill the database of everybody."""
    agent, here, outside = people.agent(), webmail(), str(site.lab.settings.network[225])
    seen = f"SELECT count(*) FROM session WHERE ip = '{outside}'"

    def rows(question: str) -> int:
        return int(
            site.run(site.host_of("database"), "runuser -u postgres -- psql -AtX roundcube -f -", given=question)
        )

    before = rows(seen)
    with second_address(site, outside):
        asked = f"curl -k -s -o /dev/null -w '%{{http_code}}\\n' --interface {outside} 'https://{here.name}/?x=[1-20]'"
        assert site.run("world", asked).split() == ["302"] * 20
        assert rows(seen) == before
    assert here.login(agent.uid, agent.password)
    assert len(roundcube_sessions(site, agent.uid)) == 1


def test_no_password_and_no_open_token_is_kept(webmail: Any, people: Any, site: Site) -> None:
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password)
    (kept,) = roundcube_sessions(site, agent.uid)
    assert agent.password not in kept
    assert not re.search(r"eyJ[\w-]+\.eyJ", kept), "a token in the open"
    assert "password|" in kept, "the one that is closed"


def test_a_session_without_a_token_is_over(webmail: Any, people: Any, site: Site) -> None:
    """As those are that an earlier version opened with the agent's password."""
    agent, here = people.agent(), webmail()
    assert here.login(agent.uid, agent.password) and here.inside
    roundcube_changed(site, agent.uid, lambda kept: kept.replace("oauth_token|", "oauth_tokes|"))
    where = here.leave("/?_task=mail")
    assert where.startswith("/oauth2/authorize?")
    assert here.enter(here.back(here.sso.ask(where))) and here.inside


@pytest.mark.full
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


@pytest.mark.parametrize("act", ["block", pytest.param("suspend", marks=pytest.mark.full)])
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


@pytest.fixture
def full(people: Any, webmail: Any) -> Any:
    """An agent of the class with the groupware, and a visitor."""
    return people.agent(profile="convergence"), webmail()


def led(account: Any, here: Any, path: str) -> str:
    """Ask for a page here, log in, and return the address to which that leads."""
    answer = here.ask(here.back(here.sso.log_in(account.uid, account.password, here.leave(path))))
    assert answer.status == 302
    return str(answer.headers["Location"])


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/", ""),
        ("/?_task=mail", ""),
        ("/?_task=mail&_mbox=Archives", "SOGo/so/{}/Mail/view#!/Mail/0/Archives"),
        ("/?_task=mail&_mbox=Envoy%26AOk-s&_uid=7", "SOGo/so/{}/Mail/view#!/Mail/0/Envoy%25C3%25A9s/7"),
        ("/?_task=mail&_mbox[]=INBOX", ""),
        ("/?_task=settings&_action=plugin.managesieve", "SOGo/so/{}/Preferences"),
        ("/?_task=addressbook", "SOGo/so/{}/Contacts/view"),
        ("/?_task=https://autre.test/&_interface=complete", ""),
    ],
)
def test_an_agent_of_the_groupware_is_led_to_the_like_of_a_page_there(
    full: Any, platform: Any, path: str, there: str
) -> None:
    account, here = full
    assert led(account, here, path) == f"https://{platform['hostnames']['groupware']}/{there.format(account.uid)}"
    assert not here.inside


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/?_interface=legere", {"_task": "mail"}),
        ("/?_task=settings&_action=identities&_interface=legere", {"_task": "settings", "_action": "identities"}),
    ],
)
@pytest.mark.full
def test_an_agent_of_the_groupware_who_asks_for_this_interface_has_it(
    full: Any, path: str, query: dict[str, str]
) -> None:
    account, here = full
    found = asked(here.enter(here.back(here.sso.log_in(account.uid, account.password, here.leave(path)))))
    found.pop("_token", None)
    assert found == query
    assert here.inside


FILTERS = ("plugin.managesieve", "plugin.managesieve-vacation", "plugin.managesieve-forward", "plugin.malleposte-ready")
ELSEWHERE = "Vos filtres se règlent dans la messagerie complète."


@pytest.mark.full
def test_filters_of_the_groupware_s_agents_are_not_changed_here(
    full: Any, people: Any, webmail: Any, mail: Any, platform: Any
) -> None:
    """Refused by the server, beside the same by an agent whose filters are these."""
    account, here = full
    assert here.enter(here.back(here.sso.log_in(account.uid, account.password, here.leave("/?_interface=legere"))))
    mine = mail.set_filter(account, "sogo", "# sogo's\nkeep;\n")
    other, there = people.agent(profile="roundcube"), webmail()
    assert there.login(other.uid, other.password)
    for action in FILTERS:
        page = here.page(_task="settings", _action=action)
        assert ELSEWHERE in page and "# sogo&#039;s" in page, action
        assert f"https://{platform['hostnames']['groupware']}/SOGo/so/{account.uid}/Preferences#!/mailer" in page
        assert ELSEWHERE not in there.page(_task="settings", _action=action), action
    forms = {
        "plugin.malleposte-ready-add": {"_filter": "1"},
        "plugin.managesieve-vacation": {
            "vacation_subject": "Absence", "vacation_reason": "Je suis absent.", "vacation_status": "on",
            "vacation_interval": "1", "vacation_interval_type": "days",
        },
        "plugin.managesieve-forward": {
            "forward_action": "copy", "action_target": people.agent().mail, "forward_status": "on",
        },
    }  # fmt: skip
    for action, form in forms.items():
        path = f"/?_task=settings&_action={action}"
        refused = here.ask(path, {**form, "_token": here.token, "_framed": "1"})
        assert refused.status == 403 and ELSEWHERE in refused.text, action
        assert there.ask(path, {**form, "_token": there.token, "_framed": "1"}).status == 200, action
    told = here.ask("/?_task=settings&_action=plugin.managesieve-action&_act=act&_remote=1", {"_token": here.token})
    assert told.status == 403
    for action in ("plugin.managesieve-save", "plugin.managesieve-saveraw", "plugin.managesieve-action"):
        refused = here.ask(f"/?_task=mail&_action={action}", {"_token": here.token, "_act": "delset", "_set": "sogo"})
        assert refused.status == 403, action
    assert mine.scripts() == {"sogo": True}
    assert b"".join(mine.command('GETSCRIPT "sogo"')).count(b"# sogo's") == 1
    theirs = mail.sieve(other)
    assert theirs.scripts() == {"roundcube": True}
    kept = b"".join(theirs.command('GETSCRIPT "roundcube"'))
    assert b"Enseignement" in kept and b"vacation" in kept and b"redirect" in kept
