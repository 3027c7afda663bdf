"""The state of the platform while a vault is away: the other one is asked, and the page's document says so."""

from __future__ import annotations

import pytest
from malleposte.watch.state.document import State, decoded

from tests.stack.shared.watch.test_state_page import READ
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

pytestmark = pytest.mark.full


def state(site: Site) -> State:
    return decoded(State, site.run("pia1", "runuser -u portal -- python3 -", given=READ).encode())


def test_the_second_vault_tells_the_state_where_the_first_does_not(site: Site) -> None:
    first, second = sorted(one.split(".")[0] for one in site.hosts_of("vault"))
    wait_for(lambda: state(site).source == first, 120, "the state by the first vault")
    site.run(first, "malleposte status --silence 10 --reason essai")
    site.run(first, "systemctl stop malleposte-pager.service")
    try:
        # A state is good for half a minute.
        wait_for(lambda: state(site).source == second, 120, "the state by the second vault")
        assert any(one.startswith(f"{first}:") for one in state(site).unreached)
    finally:
        site.run(first, "systemctl start malleposte-pager.service")
        site.run(first, "malleposte status --silence 0")
    wait_for(lambda: state(site).source == first, 120, "the state by the first vault again")
    assert state(site).unreached == ()
