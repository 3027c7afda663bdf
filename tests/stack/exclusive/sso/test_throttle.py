"""Without the store of failures, or the daemon that queries it, nobody is delayed."""

from typing import Any

import pytest

from tests.stack.support.guesses import ATTACKER, FREE, player, wrong
from tests.stack.support.mail import wait_for
from tests.stack.support.throttle import VALKEY, place


@pytest.fixture
def tries(site: Any) -> Any:
    """Log-ins as (address, name, password), some at once."""
    return player(site)


def counted(site: Any, who: Any) -> str:
    """The failures of an account in the attacker's network, as the store has them; empty for none."""
    command = f"export REDISCLI_AUTH=$(cat); {VALKEY} hget {place(site, who.uid, ATTACKER)} n"
    return str(site.run("mail1", command, given=site.secret("valkey-throttle"), check=False)).strip()


@pytest.mark.parametrize("away", ["valkey-server@throttle.service", "authpolicy.service authpolicy.socket"])
def test_without_it_nobody_waits(tries: Any, people: Any, site: Any, away: str) -> None:
    who = people.agent()
    site.run("mail1", f"systemctl stop {away}")
    try:
        answers = tries(*((ATTACKER, who.uid, word) for word in wrong(FREE + 2)), at_once=8)
        assert not any(answer.ok or answer.delayed for answer in answers)
        assert tries((ATTACKER, who.uid, who.password))[0].ok
    finally:
        site.run("mail1", f"systemctl start {' '.join(reversed(away.split()))}")
    wait_for(
        lambda: site.run("mail1", f"systemctl is-active {away}", check=False).split() == ["active"] * len(away.split())
    )

    another = people.agent()

    def counts_again() -> str:
        tries((ATTACKER, another.uid, wrong(1)[0]))
        return counted(site, another)

    # Where nothing listened, Dovecot waits before it connects again: a minute at the most. A daemon that is restarted
    # keeps its socket.
    wait_for(counts_again, 120)


def test_a_restart_of_the_store_forgets_no_guess(tries: Any, people: Any, site: Any) -> None:
    """A script writes transactions into the file that is replayed at the start."""
    who = people.agent()
    tries(*((ATTACKER, who.uid, word) for word in wrong(FREE)), at_once=FREE)

    assert counted(site, who) == str(FREE)
    site.run("mail1", "systemctl restart valkey-server@throttle.service")
    wait_for(lambda: counted(site, who) == str(FREE))
