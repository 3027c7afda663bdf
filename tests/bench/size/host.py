"""Commands and programs on the hosts of a lab, with the seconds and the processor time of each."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.stack.support.site import Site

HOURS = 3600.0
FOLDER = "/var/tmp/malleposte-size"
USED = "sed -n 's/^usage_usec //p' /sys/fs/cgroup/unified/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null | head -1"
"""Microseconds of processor time of everything on a host since it started."""


def put(site: Site, name: str, content: bytes) -> str:
    """Lay a file on the directory's host; return its path."""
    path = f"{FOLDER}/{name}"
    site.run(
        "mail1", f"mkdir -p -m 0755 {FOLDER}; cat > {path}; chmod 0644 {path}", given=content.decode(), timeout=HOURS
    )
    return path


def processor(site: Site, hosts: Sequence[str]) -> float:
    """Return the seconds of processor time that hosts have used."""
    return sum(int(site.run(host, USED)) for host in hosts) / 1e6


@contextmanager
def costs(site: Site, *hosts: str) -> Iterator[dict[str, float]]:
    """Fill the dictionary with the wall seconds of the block, and the processor seconds of hosts in that time."""
    values = dict[str, float]()
    used, begun = processor(site, hosts or ("mail1",)), time.monotonic()
    yield values
    values["seconds"] = round(time.monotonic() - begun, 1)
    values["cpu_seconds"] = round(processor(site, hosts or ("mail1",)) - used, 1)


def timed(site: Site, command: str, *hosts: str) -> tuple[dict[str, float], Any]:
    """Run a command of which the answer is JSON on the directory's host; return its costs and the answer."""
    with costs(site, *hosts) as values:
        answer = site.run("mail1", f"true; {command}", timeout=HOURS)
    return values, json.loads(answer or "null")
