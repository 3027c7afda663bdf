"""Asking the daemon of the circulars of this host: root's questions, and messages from the daemon of the lists."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from malleposte.circulars.model import (
    Answer,
    Chunk,
    Filed,
    Filing,
    Form,
    Ident,
    ListName,
    Number,
    Query,
    Readers,
    Reading,
    Shown,
)  # fmt: skip
from malleposte.core.errors import MallepostError
from malleposte.deliveries.retracted import Box

SOCKET = Path("/run/malleposte-circulars/asked")
FILED = Path("/run/malleposte-circulars/filed")
TIMEOUT = 60.0
"""Seconds for an answer."""
HINT = "look at 'journalctl -u malleposte-circulars' on that host"


class Which(Form, frozen=True):
    """A circular, by its list and its identifier. `uid` opens it; with `number` and `offset`, bytes of a part."""

    list: ListName
    ident: Ident
    uid: str = ""
    number: Number = 0
    offset: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0


class Request(Form, frozen=True):
    """A question to the daemon: one of its fields."""

    find: Query | None = None
    show: Which | None = None
    part: Which | None = None
    readers: Which | None = None
    read_by: str = ""
    erase: tuple[str, ...] = ()
    retracted: tuple[Box, ...] = ()
    back: tuple[Box, ...] = ()


class Reply(Form, frozen=True):
    """The daemon's answer; `error` says why there is none."""

    answer: Answer = Answer()
    shown: Shown | None = None
    chunk: Chunk | None = None
    readers: Readers | None = None
    readings: tuple[Reading, ...] = ()
    count: int = 0
    error: str = ""


def find(query: Query, path: Path = SOCKET) -> Answer:
    """Return the circulars of a query. Raises MallepostError, OSError."""
    return _asked(Request(find=query), path).answer


def show(which: Which, path: Path = SOCKET) -> Shown | None:
    """Return a circular, and note that an agent opened it where that is counted. Raises MallepostError, OSError."""
    return _asked(Request(show=which), path).shown


def part(which: Which, path: Path = SOCKET) -> Chunk | None:
    """Return bytes of an attachment. Raises MallepostError, OSError."""
    return _asked(Request(part=which), path).chunk


def readers(which: Which, path: Path = SOCKET) -> Readers | None:
    """Return who opened a circular; None where there is none, or nobody is counted. Raises MallepostError, OSError."""
    return _asked(Request(readers=which), path).readers


def read_by(uid: str, path: Path = SOCKET) -> tuple[Reading, ...]:
    """Return the circulars that an agent opened, where that is counted. Raises MallepostError, OSError."""
    return _asked(Request(read_by=uid), path).readings


def erase(uids: Sequence[str], path: Path = SOCKET) -> int:
    """Erase agents among the readers; return how many notes that were. Raises MallepostError, OSError."""
    return _asked(Request(erase=tuple(uids)), path).count if uids else 0


def retract(boxes: Sequence[Box], path: Path = SOCKET, *, back: bool) -> int:
    """Hide circulars that were taken out of boxes, or show them again. Raises MallepostError, OSError."""
    return _asked(Request(back=tuple(boxes)) if back else Request(retracted=tuple(boxes)), path).count if boxes else 0


def file(filing: Filing, message: bytes, path: Path = FILED) -> Filed:
    """Archive a message. Raises MallepostError, OSError."""
    filed = _sent(msgspec.json.encode(filing) + b"\n" + message, path, Filed)
    if filed.error:
        raise MallepostError(f"{path}: {filed.error}", HINT)
    return filed


def _asked(request: Request, path: Path) -> Reply:
    """Nothing where this host has no archive."""
    if not path.exists():
        return Reply()
    reply = _sent(msgspec.json.encode(request) + b"\n", path, Reply)
    if reply.error:
        raise MallepostError(f"{path}: {reply.error}", HINT)
    return reply


def _sent[T](content: bytes, path: Path, kind: type[T]) -> T:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(TIMEOUT)
        link.connect(str(path))
        link.sendall(content)
        with link.makefile("rb") as stream:
            line: Any = stream.readline()
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise MallepostError(f"{path}: no answer", HINT) from error
