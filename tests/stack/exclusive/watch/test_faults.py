"""Faults for real: each is made on a host, and people are told of it by both ways, by name.

The limits of time are `promtool`'s matter (tests/data/watch/rules.yml); here the lab's times are printed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest

from tests.stack.support import watching
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site

pytestmark = [
    pytest.mark.full,
    pytest.mark.rings(
        "UnitInactive", "UnitRestarts", "UnitFailed", "PortDoesNotAnswer", "HostDown", "AlarmsNotSent"
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A fault: the hosts, how it is made and unmade, and a part of the message that tells of it."""

    name: str
    hosts: tuple[str, ...]
    make: str
    unmake: str
    says: str


def stopped(unit: str, host: str = "mail1") -> Fault:
    """A unit that somebody stopped."""
    return Fault(f"{unit} stopped", (host,), f"systemctl stop {unit}", f"systemctl start {unit}", f"{host}: {unit}")


LOG_IN_PAGE = "lemonldap-ng-fastcgi-server.socket lemonldap-ng-fastcgi-server.service"
FAULTS = (
    stopped("rspamd.service"),
    stopped("dovecot.service"),
    stopped("slapd.service"),
    stopped("unbound.service"),
    stopped("php8.4-fpm.service"),
    # The service alone would be started again by the next request. The message names one of the two.
    Fault("the log-in page stopped", ("pia1",), f"systemctl stop {LOG_IN_PAGE}", f"systemctl start {LOG_IN_PAGE}",
          "pia1: lemonldap-ng-fastcgi-server."),
    Fault("a unit that fails", ("mail1",), "systemctl kill -s KILL memcached && systemctl mask --runtime memcached"
          " && systemctl stop memcached", "systemctl unmask --runtime memcached && systemctl start memcached",
          "mail1: memcached.service"),
    Fault("a host that does not answer", ("pia1",), "systemctl stop malleposte-watch.service",
          "systemctl start malleposte-watch.service", "pia1: the host does not answer"),
    Fault("Prometheus of a vault dead", ("vault1",), "systemctl stop prometheus.service",
          "systemctl start prometheus.service", "vault1 watches no more"),
    Fault("both vaults dead", ("vault1", "vault2"), "systemctl stop malleposte-pager.service",
          "systemctl start malleposte-pager.service", "watches no more"),
)  # fmt: skip
PATIENCE = 900.0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_a_fault_is_told(site: Site, fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    wait_for(lambda: not watching.firing(site, "vault2", "UnitInactive"), PATIENCE, "no alarm of the test before")
    before = len(watching.messages(site, fault.says)), len(watching.mails(site, fault.says))
    begun = time.monotonic()
    for host in fault.hosts:
        site.run(host, fault.make)
    try:
        wait_for(lambda: len(watching.messages(site, fault.says)) > before[0], PATIENCE, f"text message: {fault.name}")
        by_sms = time.monotonic() - begun
        wait_for(lambda: len(watching.mails(site, fault.says)) > before[1], PATIENCE, f"mail: {fault.name}")
    finally:
        for host in fault.hosts:
            site.run(host, fault.unmake)
    with capsys.disabled():
        print(json.dumps({"fault": fault.name, "seconds": round(by_sms)}))
