"""An address that guesses on one host is banned on every host that strangers reach, and let in again."""

import shlex
from collections.abc import Iterator

import pytest

from tests.stack.support.guessers import CHANNELS, WEB_GUESS, bans, second_address
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

EDGE = {"mail1": 993, "web1": 443, "pia1": 443}
"""Each host of the edge, and a port that agents reach there."""
ENOUGH = 30
"""Accounts that are tried: more than lead to a ban."""
REACH = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 4, (sys.argv[3], 0))"


@pytest.fixture
def outside(site: Site) -> Iterator[str]:
    """The address that guesses; no ban of it stays."""
    address = str(site.lab.settings.network[205])
    with second_address(site, address):
        yield address
        site.run("world", "systemctl stop guesser.service", check=False)
        for host in EDGE:
            site.run(host, f"fail2ban-client unban {address}")


def reached(site: Site, host: str, address: str) -> bool:
    words = f"python3 -c {shlex.quote(REACH)} {site.address(host)} {EDGE[host]} {address} 2>/dev/null && echo yes"
    return site.run("world", words, check=False).strip() == "yes"


def banned(site: Site, host: str, address: str) -> bool:
    return address in site.run(host, "fail2ban-client get guesses banip").split()


@pytest.mark.parametrize("channel", ["dav", "sogo"])
def test_a_guesser_on_the_web_is_shut_out_of_every_host(site: Site, outside: str, channel: str) -> None:
    assert all(reached(site, host, outside) for host in EDGE)
    name = site.platform["hostnames"][CHANNELS[channel]]
    words = f"python3 - {channel} {name} {outside} {ENOUGH} {channel}-ne-porte-ce-nom"
    # It goes on in silence once it is shut out: it is not waited for.
    site.run("world", "cat >/run/guess.py", given=WEB_GUESS)
    site.run("world", f"systemd-run --quiet --collect --unit=guesser {words.replace(' - ', ' /run/guess.py ', 1)}")
    for host in EDGE:
        wait_for(lambda host=host: banned(site, host, outside), 180, f"no ban on {host}")  # type: ignore[misc]
    site.run("world", "systemctl stop guesser.service", check=False)
    assert not any(reached(site, host, outside) for host in EDGE)
    assert all(site.run(host, "systemctl is-active malleposte-guesses.service").strip() == "active" for host in EDGE)
    assert all(outside in {one["address"] for one in told} for told in bans(site, "list").values())
    assert bans(site, "lift", outside) == {host: {"lifted": [outside]} for host in EDGE}
    assert bans(site, "lift", outside) == {host: {"lifted": []} for host in EDGE}
    assert all(reached(site, host, outside) for host in EDGE)
    for host in EDGE:
        site.run(host, "systemctl restart malleposte-guesses.service")
    assert not any(banned(site, host, outside) for host in EDGE), "what was told is not told again"
