"""A stranger who floods the log-in page keeps nobody else from it, nor a service from its tokens."""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.support.guessers import second_address
from tests.stack.support.provider import Provider, returned
from tests.stack.support.site import Site
from tests.stack.support.web import Web

PARALLEL, ASKED = 100, 500
"""Requests that a stranger had open at once, and asked for in all, when 194 of 745 answers were 502."""
TOKENS = 130
"""Tokens that a webmail asks for at once: more forms than one address may send."""


@pytest.fixture
def stranger(site: Site) -> Iterator[str]:
    """An address of the host outside."""
    address = str(site.lab.settings.network[224])
    with second_address(site, address):
        yield address


CURL = "curl -k -s -m 120 -Z --parallel-immediate -o /dev/null -w '%{http_code}\\n'"


def asked(site: Site, host: str, words: str, path: str, count: int) -> Counter[str]:
    """The number of answers of each status to one request that is sent so often."""
    url = f"'https://{site.platform['hostnames']['sso']}{path}?[1-{count}]'"
    return Counter(site.run(host, f"{CURL} {words} {url}", timeout=300).split())


def test_agents_log_in_while_a_stranger_floods_the_page(site: Site, web: Web, person: Any, stranger: str) -> None:
    who, told = person(), Counter[str]()
    begun, ended = threading.Event(), threading.Event()

    def flood() -> None:
        begun.set()
        try:
            told.update(asked(site, "world", f"--parallel-max {PARALLEL} --interface {stranger}", "/", ASKED))
        finally:
            ended.set()

    flooding = threading.Thread(target=flood)
    flooding.start()
    begun.wait()
    entered = 0
    while not ended.is_set() or not entered:
        visitor = Provider(site, web)
        answer = visitor.log_in(who.uid, who.account.password, visitor.authorize())
        while "code" not in returned(answer):
            answer = visitor.ask(answer.headers["Location"].removeprefix(f"https://{visitor.name}"))
        status, tokens = visitor.redeem(returned(answer)["code"])
        assert status == 200, tokens
        entered += 1
    flooding.join()
    assert told.total() == ASKED
    assert told["429"] and told["200"] + told["401"], told
    assert not [status for status in told if status.startswith("5")], told


def test_hosts_of_the_platform_are_not_counted_and_strangers_are(site: Site, stranger: str) -> None:
    """All log-ins of a webmail come from its one address, at the hour when everybody logs in."""
    ask = "--parallel-max {} -d grant_type=authorization_code"
    assert set(asked(site, site.host_of("web"), ask.format(8), "/oauth2/token", TOKENS)) == {"400"}
    seen = asked(site, "world", f"{ask.format(60)} --interface {stranger}", "/oauth2/token", 500)
    assert seen["429"] and seen["400"] and set(seen) == {"400", "429"}, seen


def test_programs_have_processes_of_their_own(site: Site, web: Web) -> None:
    """With those of the pages stopped, services still have tokens and keys."""
    assert Provider(site, web).ask("/oauth2/jwks").status == 200
    processes = site.run("pia1", "ps -o user= -C llng-fastcgi-server | sort | uniq -c").split()
    assert processes[1::2] == ["lemonld+"] or processes[1::2] == ["lemonldap"]
    assert site.run("pia1", "systemctl is-active lemonldap-tokens.service").strip() == "active"
