"""Telling the record of a host about a log-in, a session of submission, or an act of accountd.

Nobody waits for it: what cannot be told at once is not recorded.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from malleposte.throttle.record.model import LogIn

LOG = logging.getLogger("record")
SOCKET = Path("/run/malleposte-record/told")


class Teller:
    """Sends datagrams. Thread-safe: each has its own system call. Nothing here raises."""

    def __init__(self, path: Path = SOCKET) -> None:
        """Nothing is opened yet."""
        self.path = path
        self._silent = False
        self._link: socket.socket | None = None

    def log_in(self, event: LogIn) -> None:
        """Tell of a log-in."""
        self._tell(asdict(event))

    def sends(self, account: str, place: str) -> None:
        """Tell of an accepted log-in to submission, from an address."""
        self._tell({"account": account, "sends": place})

    def act(self, name: str) -> None:
        """Tell that accountd carried an act out, whosever: it is counted."""
        self._tell({"act": name})

    def _tell(self, document: Mapping[str, Any]) -> None:
        try:
            if self._link is None:
                self._link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._link.setblocking(False)
            self._link.sendto(json.dumps(document).encode(), str(self.path))
        except OSError as error:
            if not self._silent:
                LOG.warning("log-ins are not recorded: %s", error)
            self._silent = True
        else:
            self._silent = False

    def close(self) -> None:
        """Close what is open."""
        if self._link is not None:
            self._link.close()
            self._link = None
