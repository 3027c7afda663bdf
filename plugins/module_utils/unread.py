# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that run since before their files changed: an earlier run ended between the change and the restart.

Standard library only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from . import durable
from .retired import Run

MARKERS = "/var/lib/malleposte/config_set"


def remember(units: Sequence[str]) -> None:
    """Note, before the swap, when the files of these units changed: boot and microseconds of the monotonic clock."""
    now = f"{boot_id()} {time.monotonic_ns() // 1000}\n"
    for unit in units:
        os.makedirs(MARKERS, mode=0o755, exist_ok=True)
        durable.write(os.path.join(MARKERS, unit), now, 0o644, user=0, group=0)


def stale(units: Sequence[str], run: Run) -> list[str]:
    """Units that have not been started or reloaded since `remember`."""
    found = []
    for unit in units:
        try:
            with open(os.path.join(MARKERS, unit)) as handle:
                marker = handle.read()
        except FileNotFoundError:
            continue
        out = run(["systemctl", "show", "-p", "ActiveState,StateChangeTimestampMonotonic", unit])
        values = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        changed = int(values.get("StateChangeTimestampMonotonic") or 0)
        if values.get("ActiveState") == "active" and is_stale(marker, boot_id(), changed):
            found.append(unit)
    return found


def is_stale(marker: str, boot: str, changed: int) -> bool:
    """Whether a unit whose state last changed at ``changed`` (monotonic, microseconds) is older than its marker.

    A start or a reload changes the state (systemd's D-Bus interface, StateChangeTimestampMonotonic). After another boot
    every unit has read its files.
    """
    words = marker.split()
    return len(words) == 2 and words[0] == boot and words[1].isdigit() and changed < int(words[1])


def boot_id() -> str:
    """Return what the kernel calls this boot."""
    with open("/proc/sys/kernel/random/boot_id") as handle:
        return handle.read().strip()
