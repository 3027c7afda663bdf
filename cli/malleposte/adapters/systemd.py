"""systemd on its host: a job that is run now, by its own client (systemctl(1))."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

from malleposte.core.errors import MallepostError

CLIENT = "systemctl"
UNDER_WAY = ("activating", "deactivating")
type Run = Callable[[Sequence[str], float], subprocess.CompletedProcess[str]]


def client(words: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """The ended client. Raises MallepostError where it does not end within `seconds`."""
    try:
        return subprocess.run([CLIENT, *words], capture_output=True, text=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MallepostError(f"{CLIENT} {' '.join(words)}: {error}", f"{CLIENT} status {words[-1]}") from error


def run_job(unit: str, seconds: float, run: Run = client) -> None:
    """Run a service of `Type=oneshot` from its beginning, and wait for its end.

    `systemctl start` joins a run that is under way, which may have read its input before the caller's change: that
    one's end is awaited, then a new one is run. Raises MallepostError where the new run fails, or is not over within
    `seconds`.
    """
    if run(["show", "--property=ActiveState", "--value", unit], seconds).stdout.strip() in UNDER_WAY:
        run(["start", unit], seconds)
    if run(["start", unit], seconds).returncode:
        raise MallepostError(f"{unit} failed", f"look at 'journalctl -u {unit}'")
