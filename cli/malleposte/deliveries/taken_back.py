"""The messages that were taken back from boxes, for as long as an archive may hold them: a file of each host of mail.

A restore of a box, a folder or a message leaves them out (`backup.restore.mail.withheld`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from malleposte.core.errors import MallepostError
from malleposte.deliveries.retracted import Box, Sign
from malleposte.platform import locks
from malleposte.runtime import durable

PATH = Path("/var/lib/malleposte-waves/taken-back.json")
DAYS = 400
"""Days for which they are kept: longer than the vaults keep monthly archives by default."""
MOST = 20_000
"""Messages of a host; the oldest go first."""


class TakenBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message that was taken back, and when that was noted, in seconds since 1970."""

    sign: Sign
    noted: int


def note(boxes: Iterable[Box], path: Path | None = None, now: float | None = None) -> None:
    """Note the messages that are taken out of boxes. Raises MallepostError, OSError."""
    _change({sign for box in boxes for sign in box.signs}, path or PATH, now, back=False)


def forget(boxes: Iterable[Box], path: Path | None = None, now: float | None = None) -> None:
    """Forget messages that are given back. Raises MallepostError, OSError."""
    _change({sign for box in boxes for sign in box.signs}, path or PATH, now, back=True)


def by_queue(path: Path | None = None) -> Mapping[str, frozenset[str]]:
    """Return the messages that were taken back: queue ids, each with pieces of Message-IDs in small letters.

    An empty piece goes with every Message-ID. Raises MallepostError, OSError.
    """
    place = path or PATH
    try:
        return _by_queue(place, place.stat().st_mtime_ns)
    except FileNotFoundError:
        return {}


@lru_cache(4)
def _by_queue(path: Path, _changed: int) -> Mapping[str, frozenset[str]]:
    pieces: dict[str, set[str]] = {}
    for one in _read(path):
        pieces.setdefault(one.sign.queue, set()).add(one.sign.piece.lower())
    return {queue: frozenset(several) for queue, several in pieces.items()}


def _change(these: set[Sign], path: Path, now: float | None, *, back: bool) -> None:
    moment = int(time.time() if now is None else now)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.waited(path.with_suffix(".lock")):
        before = _read(path)
        signs = {one.sign for one in before}
        if not (signs & these if back else these - signs):
            return
        rest = [one for one in before if one.noted > moment - DAYS * 86_400 and not (back and one.sign in these)]
        new = [] if back else [TakenBack(sign, moment) for sign in sorted(these - signs, key=str)]
        durable.write(path, msgspec.json.encode([*rest, *new][-MOST:]), 0o644)


def _read(path: Path) -> list[TakenBack]:
    """Raises MallepostError: a restore that knows nothing of them would hand them to their owners."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[TakenBack])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        raise MallepostError(
            f"{path}: not a list of messages that were taken back ({error})",
            "put it back from an archive, or remove it: restores then bring back what was taken",
        ) from error
