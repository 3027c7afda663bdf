"""The state of this host: its faults, since when each lasts, and which are silenced.

The measuring program notes every minute since when each fault lasts; `malleposte status` reads that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.platform.times import local
from malleposte.runtime import durable, kit
from malleposte.watch import faults, registry, ringing, silence, textfile
from malleposte.watch import settings as files
from malleposte.watch.faults import Fault
from malleposte.watch.settings import Settings

SINCE = Path("/var/lib/malleposte/watch/since.json")
MOUNTS = Path("/proc/self/mounts")
RUNBOOK = "docs/watch.md"
OK, WARNING, CRITICAL, UNKNOWN = range(4)
"""The exit codes of a plugin of Nagios (Monitoring Plugins, development guidelines)."""


@dataclass(frozen=True)
class Row:
    """A fault as it is shown: since when (seconds since 1970), and until when it is silenced; 0 where it is not."""

    fault: Fault
    since: float
    silenced: float = 0

    def rings(self, now: float) -> bool:
        """Whether it has lasted long enough, and is not silenced."""
        return now - self.since >= self.fault.waits and not self.silenced

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        row = {"name": self.fault.name, "rings": self.fault.rings, "text": self.fault.text}
        return row | {"runbook": self.runbook, "since": self.since, "silenced_until": self.silenced or None}

    @property
    def runbook(self) -> str:
        """The line of the run-book."""
        return f"{RUNBOOK}#{self.fault.runbook}"


def _parse(text: str) -> dict[str, float]:
    return {str(name): float(since) for name, since in json.loads(text).items()}


def _faults(settings: Settings, now: float, blind: Callable[[str], object]) -> Iterator[Fault]:
    """Every fault of this host; what cannot be looked at is told to `blind`."""
    values: Mapping[str, Sequence[textfile.Sample]] = {}
    with named(blind, "measures"):
        values = textfile.read(settings.folder)
    every = {name: measure.every for name, measure in registry.MEASURES.items()}
    yield from faults.judged(values, now)
    yield from faults.missing(settings, every, values, now)
    yield from faults.unwalked(settings, values)
    yield from faults.disks(faults.mounts(MOUNTS.read_text("utf-8")), blind)


def look(
    settings: Settings, now: float, blind: Callable[[str], object], since: Path = SINCE, notes: Path = silence.NOTES
) -> list[Row]:
    """The faults of this host, those that call a person first. Raises OSError."""
    begun = kit.state(since, _parse) or {}
    quiet = silence.notes(now, notes)

    def until(fault: Fault) -> float:
        return max((quiet[unit].until for unit in {silence.ALL, fault.unit} & quiet.keys()), default=0)

    rows = [Row(fault, begun.get(fault.name, now), until(fault)) for fault in _faults(settings, now, blind)]
    return sorted(rows, key=lambda row: (row.fault.rings != faults.PAGE, row.since))


def note(rows: Sequence[Row], since: Path = SINCE, *, whole: bool = True) -> None:
    """Keep since when each fault lasts; where the look was not `whole`, of those before too. Raises OSError."""
    since.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    before = {} if whole else kit.state(since, _parse) or {}
    durable.write(since, json.dumps(before | {row.fault.name: row.since for row in rows}, sort_keys=True), 0o640)


def here(blind: Callable[[str], object]) -> list[Row]:
    """The faults of this host, now; on a vault also the alarms that no host sees of itself.

    Raises MallepostError where it is not watched, or may not be looked at.
    """
    try:
        rows = look(files.read(), time.time(), blind)
    except PermissionError as error:
        raise MallepostError(f"{error.filename}: {error.strerror}", "run this with sudo") from error
    with named(blind, "alarms of this vault"):
        rows += [Row(fault, since) for fault, since in ringing.faults()]
    return sorted(rows, key=lambda row: (row.fault.rings != faults.PAGE, row.since))


def table(rows: Sequence[Row]) -> list[str]:
    """The lines for a person: each fault, since when, and what to do."""
    lines = []
    for row in rows:
        quiet = f", silenced until {local(row.silenced)}" if row.silenced else ""
        lines.append(f"{row.fault.rings:<7} since {local(row.since)}  {row.fault.text}{quiet}")
        lines.append(f"{'':<7} {row.runbook}")
    return lines or ["nothing is wrong"]


def plugin(rows: Sequence[Row], blind: Sequence[str]) -> tuple[int, str]:
    """The exit code and the line of a plugin of Nagios. What is silenced counts for neither."""
    loud = [row for row in rows if not row.silenced]
    pages = [row for row in loud if row.fault.rings == faults.PAGE]
    words = "; ".join(row.fault.text for row in loud) or "nothing is wrong"
    counts = f"| pages={len(pages)} tickets={len(loud) - len(pages)} silenced={len(rows) - len(loud)}"
    if pages:
        return CRITICAL, f"MALLEPOSTE CRITICAL - {words} {counts}"
    if blind:
        return UNKNOWN, f"MALLEPOSTE UNKNOWN - {'; '.join([*blind, *(row.fault.text for row in loud)])} {counts}"
    return (WARNING, f"MALLEPOSTE WARNING - {words} {counts}") if loud else (OK, f"MALLEPOSTE OK - {words} {counts}")
