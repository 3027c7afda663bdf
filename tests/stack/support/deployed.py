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

IN_FORCE: list[dict[str, Any]] = []
"""The other facts of the blocks that are open, the innermost last."""


@contextlib.contextmanager
def with_facts(site: Site, hosts: str, tags: str, **facts: Any) -> Iterator[None]:
    """Deploy roles to some hosts: inside the block with other facts than the inventory has, and those of outer ones."""

    def deploy() -> None:
        other = {name: value for block in IN_FORCE for name, value in block.items()}
        options = playbook.Options(site.inventory, limit=hosts, tags=tags, extra=(json.dumps(other),))
        report = playbook.run(options, to_stderr=True, name=f"test-{tags.replace(',', '-')}")
        assert report.code == 0, report.cause

    IN_FORCE.append(facts)
    try:
        deploy()
        yield
    finally:
        IN_FORCE.remove(facts)
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
