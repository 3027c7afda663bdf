"""A stranger who opens connections and says nothing: agents, and both webmails, go on."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stack.support.guessers import second_address
from tests.stack.support.holders import holding
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.stack.support.webmail import Webmail

COUNT = 300
"""Connections to each port: three times what each served at the same time when one address could take all."""
PORTS = (25, 465, 587, 143, 993, 4190, 443)
OWN = "10465"
ADDRESSES = itertools.count(230)
"""Last octets of addresses that hold nothing yet.

The kernel forgets the closed connections of an address a few at a time (`nf_conncount`): one that has just closed 300
is refused a few of the next 300.
"""


@pytest.fixture
def silent(site: Site) -> Iterator[dict[int, int]]:
    """The connections of an address that had none before, while the test runs; how many of them each port took."""
    address = str(site.lab.settings.network[next(ADDRESSES)])
    with second_address(site, address), holding(site, address, PORTS, COUNT) as taken:
        yield taken


def test_agents_and_both_webmails_go_on(
    silent: dict[int, int], mail: Mail, people: People, webmail: Callable[[], Webmail], visit: Callable[..., Any]
) -> None:
    assert all(0 < silent[port] <= COUNT for port in PORTS), silent
    light, there = people.agent(profile="roundcube"), visit()
    full = there.account
    subject = token()
    for port in (465, 587):
        message = compose(light.mail, full.mail, f"{subject} {port}")
        assert mail.submit(light, light.mail, full.mail, message, port=port).accepted
    assert mail.imap(light).noop()[0] == "OK"
    assert mail.sieve(light)
    here = webmail()
    assert here.login(light.uid, light.password)
    here.send(full.mail, f"{subject} roundcube", "x")
    assert there.send(to=[full.mail], subject=f"{subject} sogo", text="x").status == 200
    for word in ("465", "587", "roundcube", "sogo"):
        assert mail.arrived(full, f"{subject} {word}")


def test_an_address_holds_no_more_than_its_part(silent: dict[int, int]) -> None:
    parts = {25: 50, 465: 40, 587: 40, 143: 300, 993: 300, 4190: 50, 443: 300}
    assert silent == parts


def test_the_webmails_submit_at_a_port_that_nobody_else_reaches(site: Site) -> None:
    """A stranger who holds 465 and 587 cannot hold theirs."""
    target = site.address("mail1")
    words = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{target}/{OWN}'"
    assert "taken" in site.run("mail1", f"{words} && echo taken")
    assert "taken" not in site.run("world", f"{words} && echo taken", check=False)
    listening = site.run("mail1", "postconf -M | grep smtpd")
    own = [line for line in listening.splitlines() if line.startswith(OWN)]
    assert len(own) == 1 and own[0].split()[6] != "-", "processes of its own"
