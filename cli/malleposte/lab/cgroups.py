"""A control group for each host, where the controller has no systemd to make one.

Started from the same shell, two systemd-nspawn would put both hosts into one group: the systemd of the first
would see the services of the second as its own. On a controller run by systemd, a transient unit with
``Delegate=yes`` does this instead (see host.py).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def hierarchies(mountinfo: str) -> list[Path]:
    """Return the hierarchies that systemd uses to follow processes: cgroup2 and v1 ``name=systemd``."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        words, kinds = left.split(), right.split()
        if len(words) < 5 or not kinds:
            continue
        if kinds[0] == "cgroup2" or (kinds[0] == "cgroup" and "name=systemd" in kinds[-1].split(",")):
            found.append(Path(words[4]))
    return found


def make(name: str, roots: list[Path]) -> list[Path]:
    """Make the group ``name`` in every hierarchy that lets us; return their ``cgroup.procs`` files."""
    files = []
    for root in roots:
        group = root / name
        with contextlib.suppress(OSError):
            group.mkdir(exist_ok=True)
            files.append(group / "cgroup.procs")
    return files


def remove(name: str, roots: list[Path]) -> None:
    """Remove the group ``name`` and what the host made below it; a group still in use stays."""
    for root in roots:
        for directory, _, _ in os.walk(root / name, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
