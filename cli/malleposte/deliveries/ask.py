"""Asking the index of deliveries of this host, for root: one JSON line each way."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import Answer, Likeness, Query
from malleposte.deliveries.retracted import Box

SOCKET = Path("/run/malleposte-deliveries/asked")
TIMEOUT = 60.0
"""Seconds for an answer."""
HINT = "look at 'journalctl -u malleposte-deliveries' on that host"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question to the daemon: one of its fields."""

    find: Query | None = None
    likeness: Query | None = None
    erase: tuple[str, ...] = ()
    retracted: tuple[Box, ...] = ()
    back: tuple[Box, ...] = ()


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The daemon's answer; `error` says why there is none."""

    answer: Answer | None = None
    likeness: Likeness = Likeness()
    erased: int = 0
    error: str = ""


def find(query: Query, path: Path = SOCKET) -> Answer:
    """Return the messages of a query; nothing where this host has no index. Raises MallepostError, OSError."""
    if not path.exists():
        return Answer()
    return _asked(Request(find=query), path).answer or Answer()


def likeness(query: Query, path: Path = SOCKET) -> Likeness:
    """Return the marks of the texts of a query's messages. Raises MallepostError, OSError."""
    return _asked(Request(likeness=query), path).likeness if path.exists() else Likeness()


def erase(uids: Sequence[str], path: Path = SOCKET) -> int:
    """Erase accounts; return how many rows that were. Raises MallepostError, OSError."""
    return _asked(Request(erase=tuple(uids)), path).erased if path.exists() else 0


def retract(boxes: Sequence[Box], path: Path = SOCKET, *, back: bool) -> None:
    """Note that messages were taken out of boxes, or given back. Raises MallepostError, OSError."""
    if path.exists() and boxes:
        _asked(Request(back=tuple(boxes)) if back else Request(retracted=tuple(boxes)), path)


def _asked(request: Request, path: Path) -> Reply:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(TIMEOUT)
        link.connect(str(path))
        link.sendall(msgspec.json.encode(request) + b"\n")
        with link.makefile("rb") as stream:
            line: Any = stream.readline()
    try:
        reply = msgspec.json.decode(line, type=Reply)
    except msgspec.DecodeError as error:
        raise MallepostError(f"{path}: no answer", HINT) from error
    if reply.error:
        raise MallepostError(f"{path}: {reply.error}", HINT)
    return reply
