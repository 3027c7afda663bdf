"""SOGo sees the cookies of log-ins that were proved, and no others."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from malleposte.policy import rules

from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import token, wait_for
from tests.stack.support.sogo_cookies import COOKIE, Session

FORGET = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect("/run/memcached/memcached.sock")
for key in sys.argv[1:]:
    link.sendall(f"delete {key}\\r\\n".encode())
    link.recv(100)
"""
SEAL = "__Host-sogo-seal"
Visit = Any


@pytest.fixture
def visit(site: Any, ca_bundle: Path) -> Visit:
    """A visitor of SOGo, for an account."""
    return lambda account: Groupware(site, ca_bundle, account)


@pytest.fixture
def pair(people: Any) -> list[Any]:
    """Two agents of the class that has an agenda: who forges, and whose password is guessed."""
    return [people.agent(profile="convergence") for _ in range(2)]


@pytest.fixture
def forger(site: Any, visit: Visit, pair: list[Any]) -> tuple[Groupware, Session]:
    """A session, and what its holder knows of it."""
    agent = visit(pair[0]).login()
    session = Session.of(agent.cookies[COOKIE], pair[0].uid, pair[0].password)
    for password, status in ((pair[0].password, "500"), (rules.generate(), "200")):
        assert asked_behind(site, pair[0].uid, session.forged(pair[0].uid, password)) == status, "a cookie of SOGo's"
    return agent, session


def believed(visitor: Groupware, cookie: str, path: str = "") -> bool:
    """Whether SOGo takes who sends this header for an agent: only then it misses the token of a form (500)."""
    visitor.cookies.clear()
    return visitor.request("GET", path or visitor.own("jsonDefaults"), headers={"Cookie": cookie}).status == 500


def asked_behind(site: Any, uid: str, cookie: str) -> str:
    """The status of the same page at SOGo itself, on its host, where nobody looks at the cookie before."""
    config = f'cookie = "{COOKIE}={cookie}"\nurl = "http://127.0.0.1:20000/SOGo/so/{uid}/jsonDefaults"\n'
    return str(site.run("mail1", "curl -s -A Firefox/140 -o /dev/null -w '%{http_code}' -K -", given=config))


def failures(site: Any, uid: str) -> int:
    """Count the failures in slapd."""
    base = f"uid={uid},ou=people,{site.place.suffix}"
    text = site.run("mail1", f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b {base} -s base pwdFailureTime")
    return int(text.count("pwdFailureTime:"))


def test_the_log_in_seals_its_session_and_the_seal_opens_it(visit: Visit, pair: list[Any]) -> None:
    agent = visit(pair[0])
    lines = agent.connect().header("Set-Cookie")
    seal = next(line for line in lines if line.startswith(SEAL))
    assert {word.strip().lower() for word in seal.split(";")[1:]} == {"path=/", "secure", "httponly", "samesite=lax"}
    whole = dict(agent.cookies)
    assert believed(agent, "; ".join(f"{name}={value}" for name, value in whole.items()))
    assert not believed(agent, f"{COOKIE}={whole[COOKIE]}"), "a session without its seal"
    assert not believed(agent, f"{COOKIE}={whole[COOKIE]}; {SEAL}={whole[SEAL][:-1]}"), "half a seal"


def test_no_forged_cookie_has_a_password_proved(
    visit: Visit, pair: list[Any], forger: tuple[Groupware, Session], site: Any
) -> None:
    agent, session = forger
    victim = visit(pair[1])
    right, wrong = (session.forged(pair[1].uid, word) for word in (pair[1].password, rules.generate()))
    honest, seal = agent.cookies[COOKIE], agent.cookies.get(SEAL, "")
    ways = [
        *("{0}={1}", "{0}={1}; {2}={3}", "{2}={3}; {0}={1}", "{0}={1}; {2}=", "{0}={1}; {2}", '{0}="{1}"; {2}={3}'),
        *(
            "{0} ={1}; {2}={3}",
            " {0}= {1};{2}={3}",
            "$Version=1; {0}={1}; $Path=/",
            "a=b\t{0}={1}; {2}={3}",
            "{0}%3D{1}",
        ),
        *("SOGoLogin=x,{0}={1}; {2}={3}", "XSRF-TOKEN=x {0}={1}; {2}={3}", "{0}={1}; {0}={1}; {2}={3}; {2}={3}"),
    ]
    assert [way for way in ways if believed(victim, way.format(COOKIE, right, SEAL, seal))] == []
    # Beside a session of his own the forger is himself; nobody's password is proved for the other cookie.
    ways += [
        "{0}={4}; {0}={1}; {2}={3}",
        "{0}={1}; {0}={4}; {2}={3}",
        "{0}={1},{0}={4}; {2}={3}",
        "{0}={4}&{0}={1}; {2}={3}",
    ]
    for way in ways:
        believed(victim, way.format(COOKIE, wrong, SEAL, seal, honest))
    for path in (victim.own("jsonDefaults"), f"/SOGo/{pair[1].uid}/jsonDefaults", victim.dav(""), "/SOGo/so/index"):
        for host in ("groupware", "dav"):
            victim.host = host
            assert not believed(victim, f"{COOKIE}={wrong}; {SEAL}={seal}", path)
    assert failures(site, pair[1].uid) == 0, "SOGo had a guess proved"
    victim.host = "groupware"
    assert victim.login().listed() == [], "the same password, by the log-in page"


def test_two_lines_of_cookies_are_one(visit: Visit, pair: list[Any], forger: tuple[Groupware, Session]) -> None:
    """As HTTP/2 may send them."""
    agent, session = forger
    honest, seal = agent.cookies[COOKIE], agent.cookies[SEAL]
    command = "curl -sk -w %{{http_code}} --resolve {host}:443:127.0.0.1 {version} -A Firefox/140"
    command += " https://{host}{path} {cookies}"

    def believes(who: Any, version: str, *cookies: str) -> bool:
        words = " ".join(f"-H 'Cookie: {cookie}'" for cookie in cookies)
        host, path = agent.site.platform["hostnames"]["groupware"], f"/SOGo/so/{who.uid}/jsonDefaults"
        asked = command.format(host=host, version=version, path=path, cookies=words)
        return agent.site.run("mail1", asked).endswith("500")

    forged = session.forged(pair[1].uid, pair[1].password)
    for version in ("--http1.1", "--http2"):
        assert believes(pair[0], version, f"{COOKIE}={honest}", f"{SEAL}={seal}")
        assert not believes(pair[1], version, f"{COOKIE}={forged}", f"{SEAL}={seal}")


def test_the_seal_ends_at_the_log_out(visit: Visit, pair: list[Any]) -> None:
    agent = visit(pair[0]).login()
    seal = agent.cookies[SEAL]
    ended = agent.get(agent.own("logoff"))
    line = next(line for line in ended.header("Set-Cookie") if line.startswith(f"{SEAL}="))
    assert "max-age=0" in line.lower()
    assert agent.cookies[SEAL] == ""
    assert ended.header("Content-Security-Policy"), "the headers of every answer"
    assert seal


def test_a_session_still_needs_its_token_to_write(visit: Visit, pair: list[Any]) -> None:
    """Another site cannot have a form sent in an agent's name."""
    agent, order = (
        visit(pair[0]).login(),
        json.dumps({"sortingAttributes": {"match": "OR", "sort": "arrival", "asc": 0}}),
    )
    path = agent.own("Mail/0/folderINBOX/view")
    kind = {"Content-Type": "application/json"}
    assert agent.request("POST", path, order, headers=kind).status == 200
    del agent.cookies["XSRF-TOKEN"]
    assert agent.request("POST", path, order, headers=kind).status != 200


def test_no_key_of_a_session_is_in_the_journal(visit: Visit, people: Any, mail1: Any, site: Any) -> None:
    """A session whose password was changed: SOGo writes what it tried."""
    agent, word = visit(people.agent(profile="convergence")).login(), token()
    since = mail1.check_output("date +%s")
    people.change(agent.account, userPassword=[rules.generate()])
    mail1.check_output("/usr/bin/python3 -c %s %s %s+attributes", FORGET, agent.account.uid, agent.account.uid)
    assert "SOGoTimeZone" not in agent.get(agent.own("jsonDefaults")).text
    agent.get(f"/SOGo/so/{agent.account.uid}/{word}-fin/view")
    read = f"journalctl -q --since @{since} -o cat --no-pager | tr -cd '[:print:]\\n'"
    journal = wait_for(lambda: (text := mail1.check_output(read)).count(f"{word}-fin") and text)
    key = base64.b64decode(unquote(agent.cookies[COOKIE]).partition(" ")[2]).decode()
    assert [piece for piece in key.split() if piece[:40] in journal] == []
