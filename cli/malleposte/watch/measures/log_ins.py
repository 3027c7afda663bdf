"""Log-ins to the services of this host, and those to the log-in page on the directory's, as the record counts them."""

from __future__ import annotations

from malleposte.throttle.record import ask
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric


def measure(_settings: Settings, _now: float) -> list[Metric]:
    """The counts since the record began. Raises MallepostError, OSError."""
    rows = [
        (float(count), {"service": service, "outcome": "accepted" if accepted else "refused"})
        for (service, accepted), count in sorted(ask.log_ins().items())
    ]
    return [metric("malleposte_log_ins_total", "Log-ins by service and outcome", *rows, kind="counter")]
