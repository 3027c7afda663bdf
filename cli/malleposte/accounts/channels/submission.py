"""Sessions of submission: Postfix proves whoever sends once a session, and knows no way to end one.

Each session has a process of its own, which the record of the host names (`accounts.record`). It ends by a signal, and
its client connects again with what is proved anew. A message that was not accepted yet is sent again by its client.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from malleposte.accounts.record import ask

PROGRAM = "smtpd"
PROCESSES = Path("/proc")


def end(
    uid: str,
    asked: Path = ask.SOCKET,
    processes: Path = PROCESSES,
    kill: Callable[[int, signal.Signals], None] = os.kill,
) -> int:
    """End the sessions of submission of an account, for root; how many processes that were.

    One that has ended meanwhile, or serves nobody now, does no harm. Raises MallepostError, OSError.
    """
    ended = 0
    for process in ask.processes(uid, asked):
        try:
            if (processes / str(process) / "comm").read_text("utf-8").strip() == PROGRAM:
                kill(process, signal.SIGTERM)
                ended += 1
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ended
