"""A daemon that was stopped is told by its host, with its time and its page of the run-book; a note silences it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

pytestmark = pytest.mark.rings(
    "UnitInactive", "UnitRestarts", "PortDoesNotAnswer", "UnitFailed", "MeasureIsOld", "MeasuresMissing"
)

HOST, UNIT, NAME = "mail1", "memcached.service", "unit memcached.service"


def faults(site: Site) -> dict[str, dict[str, Any]]:
    """The faults of the host by name; what is due is measured first."""
    site.run(HOST, "systemctl start malleposte-measures.service", check=False)
    told = json.loads(site.run(HOST, "malleposte status --json", check=False))
    return {fault["name"]: fault for fault in told["faults"]}


def plugin(site: Site) -> str:
    """The line of the plugin, and its exit code."""
    return site.run(HOST, "malleposte status --nagios; echo code=$?", check=False)


@pytest.fixture
def stopped(site: Site) -> Iterator[None]:
    """The unit, stopped as an operator would."""
    site.run(HOST, f"systemctl stop {UNIT}")
    yield
    site.run(HOST, f"systemctl start {UNIT}; malleposte status --silence 0", check=False)


def test_a_unit_that_was_stopped_is_told_until_it_runs(site: Site, stopped: None) -> None:
    wait_for(lambda: NAME in faults(site), 240, f"{UNIT} is told")
    fault = faults(site)[NAME]
    assert (fault["rings"], fault["runbook"]) == ("page", "docs/watch.md#a-unit-is-not-active")
    assert "CRITICAL" in plugin(site)
    assert plugin(site).strip().endswith("code=2")
    site.run(HOST, "malleposte status --silence 5 --reason trial")
    assert faults(site)[NAME]["silenced_until"]
    assert "code=2" not in plugin(site)
    site.run(HOST, "malleposte status --silence 0")
    assert "code=2" in plugin(site)
    since = fault["since"]
    assert faults(site)[NAME]["since"] == since, "it keeps its time"
    site.run(HOST, f"systemctl start {UNIT}")
    wait_for(lambda: NAME not in faults(site), 240, f"{UNIT} is told no more")


def test_one_measure_that_fails_is_named_and_the_others_go_on(site: Site) -> None:
    site.run(HOST, "mv /etc/ssl/malleposte/fullchain.pem /etc/ssl/malleposte/aside.pem")
    try:
        site.run(HOST, "rm -f /var/lib/prometheus/node-exporter/malleposte-{certificates,queue}.prom")
        site.run(HOST, "systemctl start malleposte-measures.service", check=False)
        said = site.run(HOST, "journalctl -u malleposte-measures -n 20 -o cat --no-pager")
        assert "certificates: /etc/ssl/malleposte/fullchain.pem" in said
        site.run(HOST, "test -s /var/lib/prometheus/node-exporter/malleposte-queue.prom")
        assert faults(site)["measure certificates"]["runbook"] == "docs/watch.md#a-measure-is-missing"
    finally:
        site.run(HOST, "mv /etc/ssl/malleposte/aside.pem /etc/ssl/malleposte/fullchain.pem")
        site.run(HOST, "systemctl start malleposte-measures.service")
