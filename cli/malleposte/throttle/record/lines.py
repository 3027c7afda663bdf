"""The journal of single events beside the record: JSON lines, which the role siem sends to the academy's SIEM.

Its room is bounded: at half of it, and at the first event of a day, the file becomes the earlier one, which it
replaces. So no line stays for much longer than two days.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from malleposte.throttle.record.model import Event

LOG = logging.getLogger("record")
DAY = 86_400
WAITING = 5_000
"""Events that may wait for a write; further ones have no line."""


class Lines:
    """The journal. For one thread."""

    def __init__(self, path: Path, room_mb: int) -> None:
        """`room_mb`: room for the file and the earlier one."""
        self.path, self.most = path, room_mb * 1024 * 1024 // 2
        self._waiting: list[str] = []
        self._now = 0

    def add(self, one: Event, now: int) -> None:
        """An event at a time (seconds since 1970), for the next write."""
        self._now = now
        if len(self._waiting) < WAITING:
            self._waiting.append(json.dumps({"time": now, **asdict(one)}, ensure_ascii=False))

    def write(self) -> None:
        """Append what waits. What cannot be written is lost, and the journal says so."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            if self.path.exists() and self._full(self.path.stat()):
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
                file.writelines(f"{line}\n" for line in waiting)
        except OSError as error:
            LOG.error("%d events have no line: %s", len(waiting), error)

    def _full(self, status: os.stat_result) -> bool:
        return status.st_size >= self.most or int(status.st_mtime) // DAY < self._now // DAY
