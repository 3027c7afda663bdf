"""Checks of a deployed platform of any shape: a second deploy changes nothing, every path works."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from malleposte.fleet import playbook
from malleposte.probe import enrolment
from malleposte.probe import run as probing
from malleposte.probe.model import Status

from tests.stack.support.site import Site


@contextlib.contextmanager
def with_facts(site: Site, hosts: str, tags: str, **facts: Any) -> Iterator[None]:
    """Inside the block roles are deployed to some hosts with other facts than the inventory has."""

    def deploy(**other: Any) -> None:
        options = playbook.Options(site.inventory, limit=hosts, tags=tags, extra=(json.dumps(other),))
        report = playbook.run(options, to_stderr=True, name=f"test-{tags.replace(',', '-')}")
        assert report.code == 0, report.cause

    try:
        deploy(**facts)
        yield
    finally:
        deploy()


def deploys_unchanged(site: Site) -> None:
    """Deploy again; AssertionError with the log where that changes something."""
    report = playbook.run(playbook.Options(site.inventory))
    playbook.ensure(report, "the second deploy")
    assert report.changed == 0, report.log


def works_from_outside(site: Site) -> None:
    """Every path of the probe: submission, MX, DANE and MTA-STS, IMAP, filters, webmails, devices, portal, DNS."""
    enrolment.ensure_factor(site.inventory, print)  # as the command does before its first walk
    found = list(probing.walk(site.inventory))
    failed = {path.name: path.detail for path in found if path.status is Status.FAILED}
    assert not failed, failed
    assert len([path for path in found if path.status is Status.OK]) > 25
