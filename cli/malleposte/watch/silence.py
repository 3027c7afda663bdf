"""Notes that silence the alarms of a host for a while. Each ends by itself at its time.

A note names one unit, or all of the host, and is its work's own. `deploy`, `upgrade` and `restore` write one before
they stop something, and shorten it when they have ended: what is wrong then rings soon, unless other work goes on.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from malleposte.core.errors import InputError
from malleposte.platform import locks
from malleposte.runtime import durable, kit
from malleposte.watch import settings
from malleposte.watch.textfile import FOLDER, Metric, metric, write

NOTES = Path("/var/lib/malleposte/watch/silence.json")
ALL = "all"
"""In place of a unit: the whole host."""
LONGEST = 24 * 3600
"""Seconds for which a note may silence: nobody forgets one for longer."""
AFTER = 120
"""Seconds for which a note goes on after the work: what starts has started by then."""
PROGRAM = "silence"
HOUR = 3600.0


@dataclass(frozen=True)
class Note:
    """A unit, or ALL; the end of its silence (seconds since 1970); the work that asked for it."""

    unit: str
    until: float
    reason: str


def _parse(text: str) -> list[Note]:
    return [Note(str(one["unit"]), float(one["until"]), str(one["reason"])) for one in json.loads(text)]


def _every(now: float, path: Path) -> list[Note]:
    return [note for note in kit.state(path, _parse) or [] if note.until > now]


def notes(now: float, path: Path = NOTES) -> dict[str, Note]:
    """The notes that silence at a time, by unit, of each the one that ends last. Raises OSError."""
    return {note.unit: note for note in sorted(_every(now, path), key=lambda note: note.until)}


def put(units: Iterable[str], seconds: float, reason: str, path: Path = NOTES, folder: Path = FOLDER) -> None:
    """Silence some units, or ALL, from now on for so many seconds, for this reason; 0 ends all of their notes.

    A measure of it is written at once. Raises InputError where that is too long, OSError.
    """
    if not 0 <= seconds <= LONGEST:
        raise InputError(f"{seconds:g} seconds of silence", f"from 0 to {LONGEST}")
    now = time.time()
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with locks.waited(path.with_suffix(".lock")):
        named = set(units)
        left = [note for note in _every(now, path) if note.unit not in named or (seconds and note.reason != reason)]
        left += [Note(unit, now + seconds, reason) for unit in sorted(named) if seconds]
        durable.write(path, json.dumps([asdict(note) for note in left]), 0o640)
        if folder.is_dir():
            write(folder, PROGRAM, measured(notes(now, path)), now)


@contextlib.contextmanager
def during(reason: str, seconds: float, *units: str) -> Iterator[None]:
    """Silence some units, or ALL, while a piece of work goes on here, and for AFTER seconds once it has ended.

    `seconds` is how long it can take at most: beyond, its alarms ring. A host that is not watched is none to silence.
    """
    if not settings.FILE.exists():
        yield
        return
    put(units, seconds, reason)
    try:
        yield
    finally:
        put(units, AFTER, reason)


def measured(lasting: Mapping[str, Note]) -> list[Metric]:
    """The metrics of the notes."""
    rows = [(note.until, {"unit": unit}) for unit, note in sorted(lasting.items())]
    text = "End of the silence of a unit, or of all the host, in seconds since 1970"
    return [metric("malleposte_silence_until_seconds", text, *rows)]


def measure(_settings: settings.Settings, now: float, path: Path = NOTES) -> list[Metric]:
    """The notes of this host."""
    return measured(notes(now, path))
