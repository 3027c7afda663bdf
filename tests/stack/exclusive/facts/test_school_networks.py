"""The networks of schools: many agents behind one address are no guesser, and may log in all at once."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.guessers import ACCOUNTS, IMAP_GUESS, answers, banned, bans
from tests.stack.support.site import Site

pytestmark = pytest.mark.full

ASKED = 300
"""Forms sent at once: three times what one address may send, and a third of what one of a school may."""


@pytest.fixture
def shut_out(site: Site, school: tuple[str, str], mail1: Host) -> Iterator[Callable[[], set[str]]]:
    """Tells which addresses are banned; neither of the two stays so."""
    yield lambda: banned(mail1)
    bans(site, "lift", *school)


def test_no_address_of_a_known_network_is_banned(
    site: Site, mail1: Host, world: Host, school: tuple[str, str], shut_out: Callable[[], set[str]], wait_for: Any
) -> None:
    inside, outside = school
    target, name = site.address("mail1"), site.platform["hostnames"]["mail"]
    for address, word in ((inside, "dedans"), (outside, "dehors")):
        words = f"timeout 60 python3 - {name} {target} {ACCOUNTS + 2} {word}-{{}} {address}"
        site.run("world", words, given=IMAP_GUESS, check=False)
    seen = "journalctl -u dovecot --since=-5min --grep 'user=<dedans-' -o cat | grep -c imap-login"
    wait_for(lambda: int(mail1.run(seen).stdout or 0) >= ACCOUNTS + 2, timeout=120)
    wait_for(lambda: outside in shut_out(), timeout=120)
    assert inside not in shut_out()
    wait_for(lambda: not answers(site, world, outside, 993))
    assert answers(site, world, inside, 993)


def test_a_school_may_log_in_all_at_once(site: Site, school: tuple[str, str]) -> None:
    """One of its addresses may be that of thousands; elsewhere forms that come too fast get 429."""
    name = site.platform["hostnames"]["portal"]

    def told(address: str) -> Counter[str]:
        words = f"curl -k -s -Z --interface {address} -o /dev/null -w '%{{http_code}}\\n' -d x=1"
        return Counter(site.run("world", f"{words} 'https://{name}/?[1-{ASKED}]'").split())

    inside, outside = (told(address) for address in school)
    assert inside.total() == ASKED and "429" not in inside
    assert 0 < outside["429"] < ASKED


def test_a_school_asks_for_the_log_in_page_all_at_once(site: Site, school: tuple[str, str]) -> None:
    """200 agents open their mailbox in one minute; elsewhere so many at once get 429."""
    name = site.platform["hostnames"]["sso"]

    def told(address: str) -> Counter[str]:
        words = f"curl -k -s -m 240 -Z --parallel-immediate --parallel-max 200 --interface {address} -o /dev/null"
        url = f"'https://{name}/?[1-200]'"
        return Counter(site.run("world", f"{words} -w '%{{http_code}}\\n' {url}", timeout=300).split())

    inside, outside = (told(address) for address in school)
    assert inside == {"200": 200}
    assert outside.total() == 200 and outside["429"] and outside["200"]
