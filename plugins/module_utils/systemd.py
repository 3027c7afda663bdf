# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to systemd on a host, by systemctl(1)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

SYSTEMCTL = "/usr/bin/systemctl"
UNITS = "/etc/systemd/system"
TICK = 0.005  # seconds: the clock of files may be one tick of the kernel behind that of processes
ASKED, PAUSE = 5, 1.0  # times, with seconds between them: systemd drops a question while it reads its files
Unit = Mapping[str, str]


def told(*argv: str) -> str:
    """Return the output of a program."""
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def properties(names: Sequence[str], *keys: str) -> dict[str, Unit]:
    """Of each unit some properties, whatever name systemd calls it by; none where it stays silent."""
    units: list[Unit] = []
    for asked in range(ASKED if names else 0):
        blocks = told(SYSTEMCTL, "show", f"--property={','.join(keys)}", "--", *names).split("\n\n")
        units = [dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line) for block in blocks]
        if len(units) == len(names) and all(units):
            break
        time.sleep(PAUSE if asked + 1 < ASKED else 0)
    return dict(zip(names, units + [{}] * (len(names) - len(units)), strict=True))


def dead(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Units that are not as they must be, and how they are."""
    wrong = {}
    for name, (load, active) in found.items():
        rests = active == "inactive" and found.get(name.replace(".service", ".socket"), ("", ""))[1] == "active"
        if active not in ("active", "reloading") and not rests:
            wrong[name] = active if load == "loaded" else load
    return wrong


def read_at() -> float:
    """The time at which systemd last began to read its files, in seconds since the epoch; 0 when it does not say."""
    stamp = told(SYSTEMCTL, "show", "--timestamp=us+utc", "--property=UnitsLoadTimestamp").strip().partition(" ")[2]
    try:
        return datetime.strptime(f"{stamp.removesuffix(' UTC')} +0000", "%Y-%m-%d %H:%M:%S.%f %z").timestamp()
    except ValueError:
        return 0.0


def youngest(folder: str) -> float:
    """The time of the last change below a folder, by the status of files: one that is moved in has a time of before."""
    newest = os.lstat(folder).st_ctime
    for entry in os.scandir(folder):
        newest = max(newest, youngest(entry.path) if entry.is_dir(follow_symlinks=False) else os.lstat(entry).st_ctime)
    return newest


def stale(found: Mapping[str, Unit]) -> bool:
    """Whether systemd has to read its files again."""
    return youngest(UNITS) + TICK >= read_at() or any(one.get("NeedDaemonReload") == "yes" for one in found.values())
