"""A rolling deploy of the two vaults: one after the other, the probe between; a bad first one spares the second."""

import json
from collections.abc import Callable, Iterator

import pytest
from malleposte.core.errors import MallepostError
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.probe import facts, ship
from malleposte.probe.model import Result
from malleposte.upgrade.rolling import Rolling

from tests.stack.support.site import Site

pytestmark = pytest.mark.full

VAULTS = ["vault1", "vault2"]
FILE = "/etc/systemd/journald.conf.d/malleposte.conf"
BURST = 100_000
"""The default of the role base for RateLimitBurst."""
Make = Callable[..., tuple[Rolling, list[list[int]]]]


def bursts(site: Site) -> list[int]:
    """The value on each vault."""
    return [int(site.run(name, f"sed -n s/^RateLimitBurst=//p {FILE}")) for name in VAULTS]


@pytest.fixture(scope="module")
def rolling(site: Site) -> Iterator[Make]:
    """A deploy with some variables, and the values that each walk of its probe has met. They are put back."""

    def make(**variables: object) -> tuple[Rolling, list[list[int]]]:
        met: list[list[int]] = []

        def walk() -> list[Result]:
            met.append(bursts(site))
            known = facts.site(site.inventory)
            return list(ship.run(known.ssh, {"plan": known.plan, "only": ["submit-587"]}))

        options = playbook.Options(site.inventory, tags="base,unbound", extra=(json.dumps(variables),))
        return Rolling(options, Progress(quiet=True), walk, to_stderr=True), met

    yield make
    back = playbook.Options(site.inventory, limit="vault", tags="base,unbound")
    playbook.ensure(playbook.run(back, to_stderr=True, name="test-rolling"), "deploy")
    assert bursts(site) == [BURST, BURST]


def test_the_vaults_follow_one_another(rolling: Make) -> None:
    deploy, met = rolling(base_journal_rate_burst=BURST + 1)
    deploy.run(VAULTS)
    assert met == [[BURST, BURST], [BURST + 1, BURST], [BURST + 1, BURST + 1]]
    assert [(name, report.code) for name, report in deploy.reports.items()] == [("vault1", 0), ("vault2", 0)]


def test_a_first_vault_that_fails_leaves_the_second_as_it_was(site: Site, rolling: Make) -> None:
    before = bursts(site)
    deploy, met = rolling(base_journal_rate_burst=BURST + 2, unbound_allow=["300.1.2.3/8"])
    with pytest.raises(MallepostError, match=r"vault1: .*300\.1\.2\.3.*; vault2 left as before"):
        deploy.run(VAULTS)
    assert met == [before]
    assert list(deploy.reports) == ["vault1"]
    assert bursts(site) == [BURST + 2, before[1]]
    assert site.run("vault1", "systemctl is-active unbound.service").strip() == "active"
