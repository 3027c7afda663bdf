"""Asking the record of this host, for root: one JSON line each way."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from malleposte.core.errors import MallepostError
from malleposte.throttle.record.model import Kept

SOCKET = Path("/run/malleposte-record/asked")
TIMEOUT = 15.0
"""Seconds for an answer."""


def of(uid: str, path: Path = SOCKET) -> Kept:
    """The record about an account; nothing where this host has no record. Raises MallepostError, OSError."""
    if not path.exists():
        return Kept()
    try:
        return msgspec.convert(_asked("of", uid, path), Kept)
    except msgspec.ValidationError as error:
        raise MallepostError(f"{path}: not an answer", "deploy this host again") from error


def end(uid: str, path: Path = SOCKET) -> None:
    """Sessions of submission that the account has open now send no more. Raises MallepostError, OSError."""
    if path.exists():
        _asked("end", uid, path)


def erase(uid: str, path: Path = SOCKET) -> int:
    """Erase the record about an account, and return the number of rows. Raises MallepostError, OSError."""
    return int(_asked("erase", uid, path)["erased"]) if path.exists() else 0


@dataclass(frozen=True)
class Counts:
    """Events since the daemon began: log-ins by service and whether they were accepted, acts of accountd by name."""

    log_ins: Mapping[tuple[str, bool], int]
    acts: Mapping[str, int]


def counts(path: Path = SOCKET) -> Counts:
    """Return how many log-ins and acts the daemon was told of. Raises MallepostError, OSError."""
    answer = _asked("counts", "", path)
    log_ins = {(service, accepted): count for service, accepted, count in answer["log_ins"]}
    # A daemon of the release before, until the deploy restarts it, counts none.
    return Counts(log_ins, dict(answer.get("acts", {})))


def _asked(act: str, uid: str, path: Path) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(TIMEOUT)
        link.connect(str(path))
        link.sendall(json.dumps({"act": act, "uid": uid}).encode() + b"\n")
        with link.makefile("rb") as stream:
            line = stream.readline()
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise MallepostError(f"{path}: no answer", "look at 'journalctl -u malleposte-record' on that host") from error
    if not isinstance(answer, dict) or "error" in answer:
        reason = answer.get("error") if isinstance(answer, dict) else "not an answer"
        raise MallepostError(f"{path}: {reason}", "look at 'journalctl -u malleposte-record' on that host")
    return answer
