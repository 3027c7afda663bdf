"""A control group for each host, where the controller has no systemd to make one.

Started from the same shell, two systemd-nspawn would put both hosts into one group: the systemd of the first
would see the services of the second as its own. On a controller run by systemd, a transient unit with
``Delegate=yes`` does this instead (see host.py).
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def hierarchies(mountinfo: str) -> list[Path]:
    """Return the hierarchies that systemd uses to follow processes: cgroup2 and v1 ``name=systemd``."""
    folders = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        words, kinds = left.split(), right.split()
        if len(words) < 5 or not kinds:
            continue
        if kinds[0] == "cgroup2" or (kinds[0] == "cgroup" and "name=systemd" in kinds[-1].split(",")):
            folders.append(Path(words[4]))
    return folders


def mounted() -> list[Path]:
    """Return those hierarchies on this controller."""
    return hierarchies(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))


def make(name: str, roots: list[Path]) -> list[Path]:
    """Make the group ``name`` in every hierarchy that lets us; return their ``cgroup.procs`` files."""
    files = []
    for root in roots:
        group = root / name
        with contextlib.suppress(OSError):
            group.mkdir(exist_ok=True)
            files.append(group / "cgroup.procs")
    return files


def processes(name: str, roots: list[Path]) -> set[int]:
    """Return the processes in the group ``name`` and below, by the controller's numbers."""
    pids: set[int] = set()
    for root in roots:
        for path in (root / name).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                pids.update(int(word) for word in path.read_text(encoding="ascii").split())
    return pids - {0}


def remove(name: str, roots: list[Path]) -> bool:
    """Kill what is left in the group ``name`` and remove it; return whether all is gone.

    Something is left where systemd-nspawn itself was killed: the host lives on without it. The kernel empties
    the groups a moment after the last process: call again until true.
    """
    for pid in processes(name, roots):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for root in roots:
        for directory, _, _ in os.walk(root / name, topdown=False):
            with contextlib.suppress(OSError):
                Path(directory).rmdir()
    return not any((root / name).exists() for root in roots)
