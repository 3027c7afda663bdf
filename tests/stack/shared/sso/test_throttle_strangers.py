"""Guesses from many networks: the account is never locked, and its owner goes on by what is known, or by a code."""

import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.message import Done, ErrorCode
from malleposte.policy import rules
from malleposte.throttle import Settings, Throttle

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.guesses import FREE, OWNER, player, wrong
from tests.stack.support.persons import Person
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.throttle import VALKEY

BOUND = Settings("unix:///nowhere", "-").strangers
WINDOW = 300
PHONE = "telephone"
MINE, FRESH = secrets.token_hex(16), secrets.token_hex(16)


@pytest.fixture
def tries(site: Site) -> Any:
    """Log-ins as (address, name, password[, program[, claimed address]]), some at once."""
    return player(site)


@pytest.fixture
def portal(site: Site) -> Portal:
    return Portal(site)


@pytest.fixture
def networks() -> list[str]:
    """Addresses in a dozen networks that no other test has."""
    first = secrets.randbelow(230)
    return [f"198.18.{first + number}.{1 + secrets.randbelow(250)}" for number in range(12)]


class Slapd:
    """The failures of an account as slapd counts them."""

    def __init__(self, site: Site, uid: str) -> None:
        self.site, self.dn = site, f"uid={uid},ou=people,{site.place.suffix}"

    def _lines(self, attribute: str) -> int:
        text = self.site.run(
            "mail1", f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b {self.dn} -s base {attribute}"
        )  # fmt: skip
        return int(text.count(f"\n{attribute}:"))

    @property
    def failures(self) -> int:
        return self._lines("pwdFailureTime")

    @property
    def locked(self) -> bool:
        return bool(self._lines("pwdAccountLockedTime"))


def past(site: Site, uid: str) -> None:
    """As when the window has passed since the proofs of strangers."""
    keys = Throttle(Settings("unix:///nowhere", site.secret("auth-policy-nonce")))._place(uid, OWNER, "")
    assert keys
    script = (
        "for _, one in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[1], 1, one) end return 0"
    )
    site.run(
        "mail1", f"REDISCLI_AUTH=$(cat) {VALKEY} eval {shlex.quote(script)} 1 {keys.keys[3]}",
        given=site.secret("valkey-throttle"),
    )  # fmt: skip


@contextmanager
def attacked(tries: Callable[..., Any], uid: str, networks: Sequence[str]) -> Iterator[list[Any]]:
    """Guesses from all networks, over and over, from when the bound is reached until the end."""
    answers, stop = [], threading.Event()

    def burst() -> None:
        answers.extend(tries(*((address, uid, word) for address in networks for word in wrong(FREE)), at_once=12))

    def go_on() -> None:
        while not stop.is_set():
            burst()

    burst()
    assert any(one.delayed for one in answers)
    running = threading.Thread(target=go_on)
    running.start()
    try:
        yield answers
    finally:
        stop.set()
        running.join()


@pytest.mark.full
def test_an_owner_goes_on_while_ten_networks_and_more_guess(
    tries: Any, person: Callable[..., Person], site: Site, portal: Portal, networks: list[str]
) -> None:
    """It was locked at the hundredth guess, every five minutes anew, for the right password from anywhere."""
    who, slapd, new = person(), None, rules.generate()
    uid, right = who.uid, who.account.password
    slapd = Slapd(site, uid)
    device = Cli(site).json("device", "add", uid, "--name", "Essai", "--scope", "imap")["password"]
    assert tries((OWNER, uid, right, PHONE))[0].ok, "a new client enters"
    assert isinstance(portal.one(passwords.Prove(OWNER, uid, right, MINE)), Done)
    with attacked(tries, uid, networks) as answers:
        assert tries((OWNER, uid, right, PHONE))[0].ok, "the telephone that is known"
        assert isinstance(portal.one(passwords.Prove("203.0.113.80", uid, right, MINE)), Done), "the browser, elsewhere"
        assert tries(("192.0.2.80", uid, device, "new program"))[0].ok, "a device's password, from anywhere"
        elsewhere = f"192.0.2.{1 + secrets.randbelow(70)}"
        said = tries((elsewhere, uid, wrong(1)[0], "new"), (elsewhere, uid, right, "new"))
        assert [one.ok for one in said] == [False, False]
        words = [one.said.rstrip("'. 0123456789s").split(":")[0] for one in said]
        assert words[0] == words[1], "a right guess is refused as a wrong one"
        asked = [portal.one(passwords.Prove("192.0.2.200", uid, word, FRESH)) for word in (rules.generate(), right)]
        assert [getattr(one, "error", None) for one in asked] == [ErrorCode.SLOW_DOWN] * 2
        reset = passwords.Reset("192.0.2.200", uid, who.numen, who.code(), new)
        assert portal.one(reset) == Done(uid, "active"), "a code, from a new browser"
        assert isinstance(portal.one(passwords.Prove("192.0.2.200", uid, new, FRESH)), Done)
        assert isinstance(portal.one(passwords.Prove("192.0.2.33", uid, new, FRESH)), Done), "known by now"
        assert not slapd.locked
    assert not any(one.ok for one in answers)
    assert not slapd.locked
    assert slapd.failures <= BOUND
    past(site, uid)
    assert tries(("192.0.2.201", uid, new, "another"))[0].ok, "after the window a new client enters"


def test_guesses_through_the_host_s_own_addresses_are_one_network_s(tries: Any, people: Any, site: Site) -> None:
    """Any user of the host could lock an account there, and say that it spoke for others."""
    who = people.agent()
    own = site.address("mail1")
    for address in ("127.0.0.1", own):
        claimed = [f"198.19.{number}.7" for number in range(20)]
        answers = tries(*((address, who.uid, wrong(1)[0], "", one) for one in claimed), at_once=20)
        assert not any(one.ok for one in answers)
        assert sum(one.delayed for one in answers) >= len(claimed) // 2
    slapd = Slapd(site, who.uid)
    assert slapd.failures < BOUND and not slapd.locked
    assert tries((OWNER, who.uid, who.password))[0].ok


@pytest.mark.full
def test_ten_networks_that_obey_every_delay_lock_nobody(
    tries: Any, people: Any, site: Site, networks: list[str]
) -> None:
    """As the attack is made: one guess from each as soon as its delay is over, for as long as slapd counts."""
    who = people.agent()
    slapd = Slapd(site, who.uid)
    assert tries((OWNER, who.uid, who.password, PHONE))[0].ok
    due, delays, proved = dict.fromkeys(networks[:10], 0.0), dict.fromkeys(networks[:10], 1.0), 0
    end = time.monotonic() + 285
    while time.monotonic() < end:
        ready = [address for address, moment in due.items() if moment <= time.monotonic()]
        answers = tries(*((one, who.uid, wrong(1)[0]) for one in ready), at_once=10) if ready else []
        for address, answer in zip(ready, answers, strict=True):
            delays[address] = delays[address] * 2 if answer.delayed else 1.0
            due[address] = time.monotonic() + delays[address]
        # An answer that slapd did not give in time proves nothing, and is not counted.
        proved += sum("AUTHENTICATIONFAILED" in one.said and not one.delayed for one in answers)
        assert tries((OWNER, who.uid, who.password, PHONE))[0].ok
        time.sleep(0.5)
    assert FREE * 8 <= proved <= BOUND
    assert slapd.failures <= BOUND and not slapd.locked
