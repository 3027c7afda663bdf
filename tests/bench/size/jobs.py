"""The jobs of the platform's timers at that size: seconds, processor and the most memory of each."""

import json
import re
import time
from typing import Any

from malleposte.core.errors import MallepostError

from tests.stack.support.site import Site

LEFT = re.compile(r"^(malleposte-(probe|backup|tls|vault|upgrade)|apt-|dpkg-|fstrim|logrotate|man-db|systemd-|e2scrub)")
"""Jobs that are measured by themselves, or that are not the platform's."""
PATIENCE = 3600.0


def of_timers(site: Site, host: str) -> list[str]:
    """Return the services that the timers of a host start."""
    rows = json.loads(site.run(host, "systemctl list-timers --all -o json"))
    return sorted(row["activates"] for row in rows if not LEFT.match(row["activates"]))


def run(site: Site, host: str, unit: str) -> dict[str, Any]:
    """Run a job from its beginning to its end. Raises MallepostError where it fails."""
    site.run(host, f"systemctl stop {unit}; systemctl reset-failed {unit} || true")
    begun = time.monotonic()
    site.run(host, f"systemctl start {unit}", timeout=PATIENCE, check=False)
    seconds = time.monotonic() - begun
    asked = f"systemctl show -P CPUUsageNSec -P MemoryPeak -P Result {unit}"
    used, peak, result = site.run(host, asked).split()
    if result != "success":
        raise MallepostError(f"{host}: {unit}: {result}")
    values: dict[str, Any] = {"seconds": round(seconds, 1)}
    if used.isdigit():
        values["cpu_seconds"] = round(int(used) / 1e9, 1)
    if peak.isdigit():
        values["peak_mib"] = int(peak) // 1048576
    return values


def jobs(site: Site, host: str = "mail1") -> dict[str, Any]:
    """Run each once, the longest first in the answer."""
    values = {unit.removesuffix(".service"): run(site, host, unit) for unit in of_timers(site, host)}
    return dict(sorted(values.items(), key=lambda pair: -pair[1]["seconds"]))
