# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to systemd on a host, by systemctl(1)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

SYSTEMCTL = "/usr/bin/systemctl"


def told(*argv: str) -> str:
    """Return the output of a program."""
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def properties(names: Sequence[str], *keys: str) -> dict[str, Mapping[str, str]]:
    """Of each unit some properties, whatever name systemd calls it by; none where it says nothing."""
    blocks = told(SYSTEMCTL, "show", f"--property={','.join(keys)}", "--", *names).split("\n\n") if names else []
    found = [dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line) for block in blocks]
    return dict(zip(names, found + [{}] * (len(names) - len(found)), strict=True))
