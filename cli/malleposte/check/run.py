"""The whole check, in order; and the gate that `deploy` passes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.check import hosts, offline, platform, ports, recipients, secrets, sources, specs
from malleposte.check.findings import Finding, Level, exit_code
from malleposte.check.offline import Reader
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet.site import PLATFORM, Site, UnknownError, Vault

ORDER = (Level.WRONG, Level.FAILING, Level.WARNING, Level.NOTE)
CHECKS: tuple[Callable[[Reader], Iterator[Finding]], ...] = (
    offline.names,
    offline.types,
    offline.missing_facts,
    platform.facts,
    platform.groups,
    ports.collisions,
    secrets.secrets,
)


@dataclass
class Report:
    """Findings, worst first, and the seconds it took."""

    findings: list[Finding] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        return exit_code(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "ok": self.code is ExitCode.DONE,
            "exit_code": int(self.code),
            "hosts": self.hosts,
            "seconds": round(self.seconds, 2),
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def summary(self) -> str:
        """The closing line."""
        counts = [(level, sum(one.level is level for one in self.findings)) for level in ORDER[:3]]
        text = ", ".join(f"{count} {level}" for level, count in counts if count) or "nothing wrong"
        asked = f"{len(self.hosts)} hosts asked" if self.hosts else "no host asked"
        return f"check: {text}; {asked}"


def check(inventory: Path, *, online: bool = True, limit: str | None = None, vault: Vault | None = None) -> Report:
    """Checks an inventory; then, when `online`, the hosts that `limit` leaves. Raises InputError on a bad `limit`."""
    begun = time.monotonic()
    report = Report()
    read = sources.read(inventory)
    report.findings += read.findings
    if all(one.key or one.level is Level.WARNING for one in read.findings):  # what is no YAML stops Ansible too
        try:
            reader = Reader(read, Site(inventory, vault), specs.all_specs())
            with reader.site.rehearsal():
                _with(report, reader, online, limit)
        except UnknownError as error:
            report.findings.append(Finding(Level.WRONG, str(error), read.folder))
        except InputError as error:
            if limit and "--limit" in error.message:
                raise
            report.findings.append(Finding(Level.WRONG, str(error), read.folder))
    report.findings = sorted(dict.fromkeys(report.findings), key=lambda one: ORDER.index(one.level))
    report.seconds = time.monotonic() - begun
    return report


def _with(report: Report, reader: Reader, online: bool, limit: str | None) -> None:
    for one in CHECKS:
        report.findings += one(reader)
    if online:
        report.findings += secrets.place(reader)
    if report.code is ExitCode.BAD_INPUT:
        return  # nothing will be made, and no host is asked
    report.findings += secrets.announced(reader)
    if online:
        matching = set(reader.site.matching(limit)) if limit else set(reader.site.members("all"))
        groups = (PLATFORM, "internet")
        report.hosts = [host for group in groups for host in reader.site.members(group) if host in matching]
        report.findings += hosts.findings(reader, hosts.ask_all(reader, report.hosts))
        report.findings += hosts.public_names(reader)
        report.findings += recipients.unpublished(reader)


def gate(
    inventory: Path,
    say: Callable[[str], None],
    *,
    limit: str | None = None,
    vault: Vault | None = None,
    force: bool = False,
) -> Report:
    """Check before a deployment: print the findings, and raise when the deployment must not begin."""
    report = check(inventory, limit=limit, vault=vault)
    findings = [one for one in report.findings if one.level is not Level.NOTE]
    for finding in findings:
        say(finding.text())
    if report.code is not ExitCode.DONE and not force:
        kind = InputError if report.code is ExitCode.BAD_INPUT else MallepostError
        count = sum(one.level in (Level.WRONG, Level.FAILING) for one in findings)
        faults = "fault, told above" if count == 1 else "faults, told above"
        raise kind(f"the check found {count} {faults}; nothing was changed on any host")
    return report
