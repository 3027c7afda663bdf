"""Debian's security updates that wait, as apt noted them after it last read its lists (program `updates`)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from malleposte.fleet import updates
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

HOOK = Path("/etc/apt/apt.conf.d/53malleposte-updates")
"""It has apt note (role toolkit)."""


def ages(note: updates.Note, installed: str, now: float) -> list[Metric]:
    """The metrics of a note; `installed` has a line `PACKAGE VERSION` for each package of it (dpkg-query(1))."""
    have = {tuple(line.split()) for line in installed.splitlines()}
    waiting = [one for one in note.waiting if (one.package.partition(":")[0], one.installed) in have]
    oldest = max((now - one.since for one in waiting), default=0.0)
    return [
        metric("malleposte_security_updates_waiting", "Security updates that are not installed", float(len(waiting))),
        metric("malleposte_security_updates_oldest_seconds", "Seconds for which the oldest of them waits", oldest),
        metric(
            "malleposte_security_suite_read_seconds", "Last reading of apt's lists, in seconds since 1970", note.read
        ),
    ]


def measure(_settings: Settings, now: float, path: Path = updates.NOTE, hook: Path = HOOK) -> list[Metric]:
    """The updates of this host. Until apt has noted something, its lists count as read when it was told to note.

    Raises OSError, ValueError.
    """
    try:
        note = updates.Note.of(path.read_text("utf-8"))
    except FileNotFoundError:
        return ages(updates.Note(hook.stat().st_mtime), "", now)
    names = sorted({one.package for one in note.waiting})
    argv = ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *names]
    # It fails where one of the names is no package any more, and prints the others.
    said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout if names else ""
    return ages(note, said, now)
