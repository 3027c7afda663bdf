"""Guessing is stopped by a real ban, from a host outside; the ban can be seen and lifted."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack.support.guessers import (
    ACCOUNTS,
    CHANNELS,
    IMAP_GUESS,
    WEB_GUESS,
    answers,
    banned,
    bans,
    second_address,
)

TABLE = "malleposte-fail2ban"


@pytest.fixture
def outside(site):
    """The address of the host that guesses; no ban stays behind."""
    address = site.address("world")
    yield address
    bans(site, "lift", address)


@pytest.fixture
def reached(site, world):
    """Whether a port of mail1 answers an address of the host that guesses: (address, port) -> bool."""
    return lambda address, port: answers(site, world, address, port)


def everywhere(site) -> dict[str, set[str]]:
    """The banned addresses of each host."""
    return {host: {ban["address"] for ban in held} for host, held in bans(site, "list").items()}


@pytest.mark.full
def test_a_guesser_is_shut_out_and_let_in_again(site, mail1, outside, reached, wait_for):
    target = site.address("mail1")
    assert reached(outside, 993)
    name = site.platform["hostnames"]["mail"]
    # One account, however often: it waits, and the school behind that address goes on reading.
    site.run("world", f"timeout 60 python3 - {name} {target} {ACCOUNTS + 5} probe1", given=IMAP_GUESS, check=False)
    site.run("world", f"timeout 60 python3 - {name} {target} {ACCOUNTS - 2} nul-{{}}", given=IMAP_GUESS, check=False)
    read = "journalctl -u dovecot --since=-5min --grep 'user=<nul-' -o cat | grep -c imap-login"
    wait_for(lambda: int(mail1.run(read).stdout or 0) >= ACCOUNTS - 2, timeout=120)
    assert outside not in banned(mail1)
    assert reached(outside, 993)
    site.run("world", f"timeout 60 python3 - {name} {target} {ACCOUNTS} autre-{{}}", given=IMAP_GUESS, check=False)
    wait_for(lambda: outside in banned(mail1), timeout=120)
    wait_for(lambda: not reached(outside, 993))
    assert not reached(outside, 443), "a ban is one from mail and web alike"
    table = json.loads(mail1.check_output(f"nft -j list table inet {TABLE}"))
    assert outside in json.dumps(table)
    assert mail1.check_output("systemctl is-active dovecot.service") == "active"
    wait_for(lambda: all(outside in shut for shut in everywhere(site).values()), timeout=60)
    lifted = bans(site, "lift", outside, "192.0.2.9")
    assert lifted == {host: {"lifted": [outside]} for host in ("mail1", "pia1")}
    assert not any(outside in shut for shut in everywhere(site).values())
    wait_for(lambda: reached(outside, 993))


@pytest.fixture(scope="module")
def guessers(site, mail1, wait_for):
    """The address of the guesser at each channel; each has tried until its ban, or three minutes. All at the same time.

    After a ban nothing answers: the guesser is stopped, so that it tries no more when the ban is lifted.
    """
    network = site.lab.settings.network
    addresses = {channel: f"{network[201 + turn]}" for turn, channel in enumerate(CHANNELS)}

    def guess(channel: str) -> None:
        name = site.platform["hostnames"][CHANNELS[channel]]
        words = f"python3 - {channel} {name} {addresses[channel]} {ACCOUNTS + 10} {channel}-ne-porte-ce-nom"
        unit = f"systemd-run --quiet --pipe --wait --collect --unit=guesser-{channel}"
        site.run("world", f"{unit} {words}", given=WEB_GUESS, check=False, timeout=310)

    def shut_out(channel: str) -> bool:
        try:
            wait_for(lambda: addresses[channel] in banned(mail1), timeout=180)
        except AssertionError:
            return False
        finally:
            site.run("world", f"systemctl stop guesser-{channel}.service", check=False)
        return True

    with contextlib.ExitStack() as stack:
        stack.callback(lambda: bans(site, "lift", *addresses.values()))
        for address in addresses.values():
            stack.enter_context(second_address(site, address))
        with ThreadPoolExecutor(2 * len(CHANNELS)) as pool:
            guesses = [pool.submit(guess, channel) for channel in CHANNELS]
            ended = dict(zip(CHANNELS, pool.map(shut_out, CHANNELS), strict=True))
            for done in guesses:
                done.result()
        yield {channel: address for channel, address in addresses.items() if ended[channel]}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.full
def test_a_guesser_on_the_web_is_shut_out_and_let_in_again(mail1, guessers, reached, wait_for, channel):
    assert channel in guessers, "no ban"
    address = guessers[channel]
    wait_for(lambda: not reached(address, 443))
    assert address in banned(mail1)
    mail1.check_output(f"fail2ban-client unban {address}")
    wait_for(lambda: reached(address, 443))
