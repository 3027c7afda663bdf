"""The state of the platform for the portal: of the pager's socket on this host, or of the file of its measures."""

from __future__ import annotations

import socket
import stat
import time
from pathlib import Path

from malleposte.core.errors import MallepostError
from malleposte.watch.state.document import LONGEST, State, decoded

SECONDS = 25.0
"""A limit for the whole answer: the pager asks each vault for ten at most."""


def read(path: Path) -> State:
    """Return the state. Raises MallepostError where there is none to be had, or none of this form."""
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
        return decoded(State, _answer(path) if is_socket else _content(path))
    except OSError as error:
        raise MallepostError(f"{path}: {error.strerror or type(error).__name__}") from error


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST + 1)


def _answer(path: Path) -> bytes:
    """Everything that comes until the other side closes. Raises OSError, TimeoutError among them."""
    end, parts, size = time.monotonic() + SECONDS, list[bytes](), 0
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(SECONDS)
        link.connect(str(path))
        while size <= LONGEST:
            link.settimeout(max(end - time.monotonic(), 0.001))
            part = link.recv(65_536)
            if not part:
                break
            parts.append(part)
            size += len(part)
    return b"".join(parts)
