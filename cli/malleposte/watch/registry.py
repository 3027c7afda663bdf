"""The measures of a host, by the names that the manifest has (`watch: {measures: …}`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from malleposte.watch import silence
from malleposte.watch.measures import (
    backups,
    certificates,
    log_ins,
    nginx,
    queue,
    reports,
    slapd,
    stores,
    units,
    updates,
)
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric

MINUTE = 60.0


@dataclass(frozen=True)
class Measure:
    """The function that makes a measure at a time (seconds since 1970), and the seconds between two."""

    make: Callable[[Settings, float], list[Metric]]
    every: float = MINUTE


MEASURES: Mapping[str, Measure] = {
    "units": Measure(lambda settings, _now: units.active(settings)),
    "timers": Measure(lambda settings, _now: units.timers(settings), 5 * MINUTE),
    silence.PROGRAM: Measure(silence.measure),
    "queue": Measure(queue.measure),
    "updates": Measure(updates.measure, 30 * MINUTE),
    "certificates": Measure(certificates.measure, 30 * MINUTE),
    "backups": Measure(backups.measure, 10 * MINUTE),
    "slapd": Measure(slapd.measure),
    "nginx": Measure(nginx.measure),
    "log-ins": Measure(log_ins.measure),
    "stores": Measure(stores.measure, 5 * MINUTE),
    "reports": Measure(reports.measure, 10 * MINUTE),
}
