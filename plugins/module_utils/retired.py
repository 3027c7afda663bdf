# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of systemd whose files a deploy removes: they stop, and leave no link. Standard library only.

A unit whose file is gone goes on running until the host restarts, and its link in a `*.wants` folder stays for ever.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence

FOLDER = "/etc/systemd/system"
ENDINGS = (".path", ".service", ".socket", ".timer")

Run = Callable[[list[str]], str]
"""Runs a command and returns its standard output, whatever its exit code."""


def units(paths: Sequence[str], folder: str = FOLDER) -> list[str]:
    """Return the units of which these are the files, what starts others first."""
    names = [os.path.basename(path) for path in paths if os.path.dirname(path) == folder and path.endswith(ENDINGS)]
    return sorted(names, key=lambda name: name.endswith(".service"))


def links(name: str, folder: str = FOLDER) -> list[str]:
    """Return the links that start a unit with another."""
    return [path for ending in ("wants", "requires") for path in glob.glob(f"{folder}/*.{ending}/{glob.escape(name)}")]


def left(names: Sequence[str], run: Run, folder: str = FOLDER) -> list[str]:
    """Return the units of which anything is left: a file, a link, or what systemd has in memory."""
    if not names:
        return []
    known = _active(names, run)
    return [name for name in names if known[name] or os.path.lexists(f"{folder}/{name}") or links(name, folder)]


def stop(names: Sequence[str], run: Run, folder: str = FOLDER) -> list[str]:
    """Stop units and remove their links, before their files go; return those that did not stop."""
    if not names:
        return []
    # It fails for a unit that is not loaded, which is as good.
    run(["systemctl", "stop", "--", *names])
    for path in (path for name in names for path in links(name, folder)):
        os.unlink(path)
    return [name for name, state in _active(names, run).items() if state not in ("", "failed")]


def forget(names: Sequence[str], run: Run) -> None:
    """Have systemd forget units whose files are gone, and that they failed."""
    if names:
        run(["systemctl", "daemon-reload"])
        run(["systemctl", "reset-failed", "--", *names])


def _active(names: Sequence[str], run: Run) -> dict[str, str]:
    """Return how each unit is, in systemd's words; empty where it rests or is not known."""
    blocks = run(["systemctl", "show", "--property=ActiveState", "--", *names]).split("\n\n")
    states = [block.strip().partition("=")[2] for block in blocks]
    # No answer at all: systemd does not run here.
    states += [""] * (len(names) - len(states))
    return {name: "" if state == "inactive" else state for name, state in zip(names, states, strict=True)}
