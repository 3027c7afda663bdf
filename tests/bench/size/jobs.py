"""The jobs of the platform's timers at that size: seconds, processor and the most memory of each."""

import json
import re
from collections.abc import Iterator
from typing import Any

from malleposte.core.errors import MallepostError

from tests.bench.size.host import HOURS, costs
from tests.bench.size.record import Step
from tests.stack.support.site import Site

LEFT = re.compile(r"^(malleposte-(probe|backup|tls|vault|upgrade)|apt-|dpkg-|fstrim|logrotate|man-db|systemd-|e2scrub)")
"""Jobs that are measured by themselves, or that are not the platform's."""


def of_timers(site: Site, host: str) -> list[str]:
    """Return the services that the timers of a host start."""
    rows = json.loads(site.run(host, "systemctl list-timers --all -o json"))
    return sorted(row["activates"] for row in rows if not LEFT.match(row["activates"]))


def run(site: Site, host: str, unit: str) -> dict[str, Any]:
    """Run a job from its beginning to its end; return its costs. Raises MallepostError where it fails."""
    site.run(host, f"systemctl stop {unit}; systemctl reset-failed {unit} || true")
    values: dict[str, Any]
    with costs(site, host) as values:
        site.run(host, f"systemctl start {unit}", timeout=HOURS, check=False)
    # Of the host while it ran: a job has others do most of its work.
    values["cpu_seconds_of_host"] = values.pop("cpu_seconds")
    shown = site.run(host, f"systemctl show -p CPUUsageNSec,MemoryPeak,Result {unit}")
    told = dict(line.split("=", 1) for line in shown.splitlines())
    if told["CPUUsageNSec"].isdigit():
        values["cpu_seconds"] = round(int(told["CPUUsageNSec"]) / 1e9, 1)
    if told["MemoryPeak"].isdigit():
        values["peak_mib"] = int(told["MemoryPeak"]) // 1048576
    if told["Result"] != "success":
        raise MallepostError(f"{host}: {unit}: {told['Result']} after {values}")
    return values


def jobs(site: Site, host: str = "mail1") -> Iterator[Step]:
    """Run each twice: the first run has what came with the fill to do, the second one is that of any night."""
    faults = list[str]()
    for unit in of_timers(site, host):
        name = unit.removesuffix(".service")
        try:
            for number in ("first", "again"):
                yield f"{name}_{number}", run(site, host, unit)
        except MallepostError as error:
            faults.append(str(error))
    if faults:
        raise MallepostError("; ".join(faults))
