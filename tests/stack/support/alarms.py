"""The alarms that rang at the vaults while tests ran, each with the test that made a fault at that time.

A test that makes a fault has the mark `rings("UnitInactive", ...)`. The closing lines of a run say, for each alarm,
which tests of that mark ran within MEMORY before; an alarm without one is a fault that no test made on purpose.
"""

from __future__ import annotations

import datetime
import json
import shlex
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from malleposte.core.errors import MallepostError
from malleposte.dev.lab import LabError

from tests.stack.support.site import Site

STEP = 30
"""Seconds between two values that are asked for."""
MEMORY = 1200.0
"""Seconds for which a fault can ring on: the longest window of a rule, its wait, two readings."""
MARK = "rings"
ALWAYS = ("Watchdog",)
"""Alarms that ring always."""


@dataclass(frozen=True)
class Fault:
    """A test that made a fault: its name, when it ran (seconds since the epoch), the alarms that it declares."""

    test: str
    begun: float
    ended: float
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Ringing:
    """An alarm that rang: its name, the host or address, of how many things (units, paths), from when to when."""

    alarm: str
    instance: str
    things: int
    begun: float
    ended: float


def merged(rows: Iterable[dict[str, Any]]) -> list[Ringing]:
    """Return the alarms of ranges of `ALERTS`, those of one name and instance that overlap as one; earliest first."""
    spans: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    for row in rows:
        labels = row["metric"]
        key = (labels["alertname"], labels.get("instance", ""))
        times = [float(moment) for moment, _value in row["values"]]
        ends = [one for one, after in pairwise(times) if after - one > 2 * STEP]
        begins = [after for one, after in pairwise(times) if after - one > 2 * STEP]
        thing = labels.get("name") or labels.get("path") or ""
        spans.setdefault(key, []).extend(
            (begun, ended, thing) for begun, ended in zip([times[0], *begins], [*ends, times[-1]], strict=True)
        )
    rings: list[Ringing] = []
    for (alarm, instance), parts in spans.items():
        group: list[tuple[float, float, str]] = []
        for part in sorted(parts):
            if group and part[0] > max(ended for _begun, ended, _thing in group) + 2 * STEP:
                rings.append(joined(alarm, instance, group))
                group = []
            group.append(part)
        rings.append(joined(alarm, instance, group))
    return sorted(rings, key=lambda one: (one.begun, one.alarm, one.instance))


def joined(alarm: str, instance: str, parts: Sequence[tuple[float, float, str]]) -> Ringing:
    """Return one alarm of parts that overlap."""
    things = {thing for _begun, _ended, thing in parts}
    return Ringing(alarm, instance, len(things), parts[0][0], max(ended for _begun, ended, _thing in parts))


def ranges(site: Site, vault: str, begun: float, ended: float) -> list[dict[str, Any]]:
    """Return the values of `ALERTS` that a vault's Prometheus has between two moments: `{metric, values}`."""
    left_out = "|".join(ALWAYS)
    asked = {
        "query": f'ALERTS{{alertstate="firing",alertname!~"{left_out}"}}',
        "start": f"{begun:.0f}",
        "end": f"{ended:.0f}",
        "step": str(STEP),
    }
    address = f"http://127.0.0.1:9090/api/v1/query_range?{urlencode(asked)}"
    rows: list[dict[str, Any]] = json.loads(site.run(vault, f"curl -sSf -m 20 {shlex.quote(address)}"))["data"][
        "result"
    ]
    return rows


def hour(moment: float) -> str:
    """Return a time of today, in this machine's zone: `14:02:30`."""
    return datetime.datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S")


def line(ringing: Ringing, faults: Sequence[Fault]) -> str:
    """Return the closing line of an alarm: its hours, and the tests that made such a fault, or that none did."""
    causes = [
        fault.test
        for fault in faults
        if ringing.alarm in fault.alarms and ringing.begun - MEMORY <= fault.ended and fault.begun <= ringing.ended
    ]
    where = f" {ringing.instance}" if ringing.instance else ""
    many = f" ({ringing.things})" if ringing.things > 1 else ""
    hours = f"{hour(ringing.begun)} to {hour(ringing.ended)}"
    cause = f"by {', '.join(dict.fromkeys(causes))}" if causes else "WITHOUT A FAULT of a test"
    return f"alarm {ringing.alarm}{where}{many}, {hours}: {cause}"


class Recorder:
    """The plugin of pytest that keeps the times of tests and asks the vaults in the end."""

    def __init__(self) -> None:
        self.begun = time.time()
        self.faults: dict[str, Fault] = {}
        self.asks = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep when a test of faults ran, with its set-up and its end."""
        self.asks = self.asks or report.nodeid.startswith(("tests/stack/", "tests/browser/"))
        alarms = tuple(value for name, value in report.user_properties if name == MARK)
        if alarms:
            before = self.faults.get(report.nodeid)
            begun = before.begun if before else report.start
            name = report.nodeid.removeprefix("tests/stack/")
            self.faults[report.nodeid] = Fault(name, begun, report.stop, tuple(str(one) for one in alarms))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write a line for each alarm, and for a vault that could not be asked."""
        if not self.asks or hasattr(terminalreporter.config, "workerinput"):
            return
        terminalreporter.section("alarms of the vaults")
        for text in self.lines(getattr(terminalreporter.config, "malleposte_listing", "")):
            terminalreporter.write_line(text)

    def lines(self, listing: str) -> list[str]:
        """Return the lines of the alarms that rang at the vaults since the run began."""
        rows: list[dict[str, Any]] = []
        silent: list[str] = []
        site = Site(listing, "alarms")
        for vault in site.hosts_of("vault"):
            try:
                rows += ranges(site, vault, self.begun, time.time())
            except (MallepostError, LabError, AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
                silent.append(f"alarm of {vault}: not asked: {str(error).partition(chr(10))[0]}")
        site.close()
        return [*silent, *(line(one, list(self.faults.values())) for one in merged(rows))] or ["none"]


def register(config: pytest.Config) -> None:
    """Give a run of tests its recorder, once."""
    if not config.pluginmanager.hasplugin("malleposte-alarms"):
        config.pluginmanager.register(Recorder(), "malleposte-alarms")


def declare(items: Iterable[pytest.Item]) -> None:
    """Give each test of faults the alarms of its marks as properties, which the reports of workers bear too."""
    for item in items:
        for mark in item.iter_markers(MARK):
            item.user_properties.extend((MARK, alarm) for alarm in mark.args)
