"""The web front comes back after a crash, and knows the networks of schools."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from malleposte import playbook

from tests.stack.support.guessers import second_address
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

ASKED = 300
"""Forms sent at once: three times what one address may send, and a third of what one of a school may."""


def test_it_comes_back_after_a_crash(host: Any) -> None:
    machine = host("pia1")
    machine.check_output("systemctl kill --signal=KILL nginx.service")
    wait_for(lambda: machine.run("systemctl is-active nginx.service").stdout.strip() == "active", 30, "nginx is back")
    machine.run("systemctl reset-failed nginx.service")


def deploy(site: Site, **facts: Any) -> None:
    options = playbook.Options(site.inventory, limit="pia1", tags="nginx", extra=(json.dumps(facts),))
    report = playbook.run(options, to_stderr=True, name="test-front")
    assert report.code == 0, report.cause


@pytest.fixture
def school(site: Site) -> Iterator[tuple[str, str]]:
    """An address of a known network, and one beside it; afterwards neither is known."""
    network = site.lab.settings.network
    inside, outside = f"{network[225]}", f"{network[226]}"
    with second_address(site, inside), second_address(site, outside):
        try:
            deploy(site, malleposte_school_networks=[f"{inside}/32"])
            yield inside, outside
        finally:
            deploy(site)


def test_a_school_may_log_in_all_at_once(site: Site, school: tuple[str, str]) -> None:
    """One of its addresses may be that of thousands; elsewhere forms that come too fast get 429."""
    inside, outside = school
    name = site.platform["hostnames"]["portal"]

    def answers(address: str) -> Counter[str]:
        words = f"curl -k -s -Z --interface {address} -o /dev/null -w '%{{http_code}}\\n' -d x=1"
        return Counter(site.run("world", f"{words} 'https://{name}/?[1-{ASKED}]'").split())

    told = answers(inside)
    assert told.total() == ASKED and "429" not in told
    assert 0 < answers(outside)["429"] < ASKED
