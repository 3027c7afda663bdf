"""Note since when each security update waits on this host. apt runs it after each reading of its lists (role toolkit).

Usage: updates FILE
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from malleposte.fleet import updates
from malleposte.runtime import durable, kit

SECONDS = 120


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 1 failure, 2 bad input."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: updates FILE", file=sys.stderr)
        return 2
    path, now = Path(words[0]), time.time()
    old = kit.state(path, updates.Note.of) or updates.Note()
    try:
        simulated = subprocess.run(
            updates.SIMULATED, capture_output=True, text=True, check=True, timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        print(f"updates: {error}", file=sys.stderr)
        return 1
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    durable.write(path, updates.Note(now, tuple(updates.waiting(simulated, now, old.waiting))).text(), 0o644)
    return 0
