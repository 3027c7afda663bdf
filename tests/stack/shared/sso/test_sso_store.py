"""Records that strangers leave at the log-in page: open forms, in a store of their own, each with an end."""

import json
import secrets
import shlex
import time
from typing import Any

import pytest

from tests.stack.support.provider import Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Web

SESSIONS, FORMS = "/run/valkey-sso/valkey.sock", "/run/valkey-sso-forms/valkey.sock"
FORM_SECONDS = 600
LARGEST = 6_000
"""Octets of the record of a begun log-in, whose address may have 4,096."""
LONGEST = 4_096
LOOK = """
import json, socket, sys

link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
heard = link.makefile("rb")


def ask(*words):
    link.sendall(b"".join([b"*%d\\r\\n" % len(words), *(b"$%d\\r\\n%s\\r\\n" % (len(one), one) for one in words)]))
    return read()


def read():
    line = heard.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise SystemExit(line.decode())
    if kind in b"+:":
        return rest
    if kind == b"$":
        return None if rest == b"-1" else heard.read(int(rest) + 2)[:-2]
    return [read() for _ in range(int(rest))]


ask(b"AUTH", b"lemonldap", sys.stdin.readline().strip().encode())
cursor, names = b"0", []
while True:
    cursor, some = ask(b"SCAN", cursor, b"COUNT", b"1000")
    names += some
    if cursor == b"0":
        break
found = []
for name in names:
    record = len(name) >= 32 and not set(name) - set(b"0123456789abcdef")
    text = ask(b"GET", name) if record else None
    if text or not record:
        found.append([name.decode("latin-1"), text.decode() if text else None, int(ask(b"TTL", name))])
print(json.dumps(found))
"""


def records(site: Site, socket: str) -> list[tuple[str, dict[str, Any] | None, int]]:
    """Name, content (None of an index) and seconds to the end (-1 without one) of all that a store holds."""
    words = f"python3 -I -c {shlex.quote(LOOK)} {socket}"
    told = json.loads(site.run("pia1", words, given=site.secret("valkey-sso").strip() + "\n"))
    return [(name, json.loads(text) if text else None, left) for name, text, left in told]


@pytest.fixture
def browser(site: Site, web: Web) -> Any:
    """Further browsers."""
    return lambda: Provider(site, web)


def test_a_stranger_leaves_an_open_form_alone_and_it_ends(site: Site, web: Web, browser: Any) -> None:
    visitor, word = browser(), secrets.token_hex(12)
    long = f"{visitor.authorize(state=word)}&x={'x' * 2000}"
    answer = web.get(site.address("pia1"), visitor.name, long, User_Agent=word + "y" * 7_000, X_Other="z" * 7_000)
    assert "passwordfield" in answer.text
    assert not [one for _, one, _ in records(site, SESSIONS) if word in json.dumps(one)]
    kept = [(one, left) for _, one, left in records(site, FORMS) if one and word in json.dumps(one)]
    assert len(kept) == 1
    assert 0 < kept[0][1] <= FORM_SECONDS
    assert len(json.dumps(kept[0][0])) < LARGEST


def test_all_but_second_factors_ends_by_itself(site: Site, browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, who.account.password, visitor.authorize())
    visitor.ask(visitor.authorize())
    # Records that an earlier release left have an end from the next purge on.
    site.run_job("pia1", "liblemonldap-ng-portal-perl.service")
    kept = [(one, left) for _, one, left in records(site, SESSIONS) if one]
    assert {one["_session_kind"] for one, _ in kept} >= {"SSO", "OIDCI", "Persistent"}
    endless = {one["_session_kind"] for one, left in kept if left == -1}
    assert endless <= {"Persistent"}
    (session,) = [left for one, left in kept if one["_session_kind"] == "SSO" and one.get("uid") == who.uid]
    assert 9 * 3600 < session <= 10 * 3600
    # -1 is a record without an end; one that ended since it was listed has none left.
    assert all(left != -1 for _, _, left in records(site, FORMS))


def test_what_has_ended_is_named_by_no_index(site: Site, browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    visitor.log_in(who.uid, who.account.password)
    given = site.secret("valkey-sso").strip()
    ask = "valkey-cli --user lemonldap --no-auth-warning -s " + SESSIONS
    index = f"_whatToTrace_{who.uid}"
    site.run("pia1", f"REDISCLI_AUTH=$(cat) {ask} sadd {index} {'0' * 64}", given=given)
    site.run_job("pia1", "liblemonldap-ng-portal-perl.service")
    left = site.run("pia1", f"REDISCLI_AUTH=$(cat) {ask} smembers {index}", given=given).split()
    assert left and "0" * 64 not in left
    names = {name for name, one, _ in records(site, SESSIONS) if one is None}
    assert not [one for one in names if one.startswith(("_utime_", "ipAddr_", "_session_kind_"))]


def test_long_addresses_are_refused(browser: Any) -> None:
    visitor = browser()
    path = visitor.authorize(state="un-etat")
    room = LONGEST - len(path) - len("&x=")
    assert visitor.ask(f"{path}&x={'x' * room}").status == 200
    assert visitor.ask(f"{path}&x={'x' * (room + 1)}").status == 414
    assert visitor.ask("/oauth2/authorize", "POST", client_id="portail").status == 405


def test_a_form_that_was_evicted_is_asked_for_again(site: Site, browser: Any, person: Any) -> None:
    """A full store of forms costs whoever has one open a second try, and nobody a session."""
    who, visitor = person(), browser()
    answer = visitor.ask("/")
    assert "passwordfield" in answer.text
    begun = time.time()
    page = visitor.ask("/", "POST", token="0" * 64, url="", timezone="1", user=who.uid, password=who.account.password)
    assert not visitor.entered and "passwordfield" in page.text
    visitor.log_in(who.uid, who.account.password)
    assert visitor.entered and time.time() - begun < FORM_SECONDS
