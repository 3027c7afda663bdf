"""Measure this host: each measure that is due writes its file. One that fails is named, and the others go on.

Usage: measures [--check] [--now] FILE. With --now, as where a unit failed, what is made each minute is made at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from malleposte.core.errors import ExitCode
from malleposte.core.loops import named
from malleposte.platform import locks
from malleposte.runtime import kit
from malleposte.watch import region, ring, status, textfile
from malleposte.watch import settings as files
from malleposte.watch.registry import MEASURES, MINUTE
from malleposte.watch.settings import Settings
from malleposte.watch.state import host

NOW = "--now"
LOCK = Path("/var/lib/malleposte/watch/measures.lock")
"""One run at a time: a unit may fail while the minute's runs."""
EARLY = 20.0
"""Seconds by which a measure may come before its time: the timer's minutes are not exact."""


def due(name: str, folder: Path, now: float) -> bool:
    """Whether it is time for a measure, by the age of its file."""
    try:
        written = textfile.path(folder, name).stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= now - written < MEASURES[name].every - EARLY


def measure(settings: Settings, now: float, say: Callable[[str], object], *, at_once: bool = False) -> bool:
    """Make what is due; whether all of it was made. Files of measures that this host has no more are removed.

    `at_once`: what is made each minute is due.
    """
    failed: list[str] = []
    for name in settings.measures:
        if due(name, settings.folder, now) or (at_once and MEASURES[name].every <= MINUTE):
            with named(failed.append, name):
                textfile.write(settings.folder, name, MEASURES[name].make(settings, now), now)
    for line in failed:
        say(f"<3>{line}")
    for name in MEASURES.keys() - set(settings.measures):
        textfile.path(settings.folder, name).unlink(missing_ok=True)
    return not failed


def read(path: Path) -> Settings:
    """The settings, whose measures are all known. Raises what `files.read` raises, ValueError."""
    settings = files.read(path)
    unknown = sorted(set(settings.measures) - MEASURES.keys())
    if unknown:
        raise ValueError(f"{path}: no measure is called {unknown[0]!r}; known: {', '.join(sorted(MEASURES))}")
    return settings


def hand_on(settings: Settings, rows: Sequence[status.Row], failed: list[str], now: float) -> None:
    """Write what others on this host read: the state for the portal, a few measures for the region's supervision."""
    if not settings.state and not settings.region:
        return
    with named(failed.append, "what others read"):
        values = textfile.read(settings.folder)
        if settings.state:
            host.write(Path(settings.state), host.state(rows, values, failed, now))
        if settings.region:
            region.write(Path(settings.region), values)


def once(settings: Settings, say: Callable[[str], object], *, at_once: bool = False) -> int:
    """Measure, note since when each fault lasts, and tell the pager where no vault does; the exit code."""
    LOCK.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with locks.waited(LOCK):
        return _once(settings, say, at_once)


def _once(settings: Settings, say: Callable[[str], object], at_once: bool) -> int:
    done = measure(settings, time.time(), say, at_once=at_once)
    failed: list[str] = []
    with named(failed.append, "faults"):
        now = time.time()
        rows = status.look(settings, now, failed.append)
        whole = not failed
        status.note(rows, whole=whole)
        hand_on(settings, rows, failed, now)
        if settings.pager:
            ring.ring(settings.pager, rows, now, whole=whole)
    for line in failed:
        say(f"<3>{line}")
    return ExitCode.DONE if done and not failed else ExitCode.FAILURE


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 1 where a measure failed or the settings cannot be read."""
    at_once, words = NOW in words, [word for word in words if word != NOW]
    return kit.start(words, "measures", __doc__ or "", read, lambda settings: once(settings, kit.say, at_once=at_once))
