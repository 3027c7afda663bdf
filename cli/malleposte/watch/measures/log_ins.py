"""Log-ins to the services of this host, as the record counts them.

On the directory's host also those to the log-in page, and acts of accountd.
"""

from __future__ import annotations

from malleposte.throttle.record import ask
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric


def measure(_settings: Settings, _now: float) -> list[Metric]:
    """The counts since the record began. Raises MallepostError, OSError."""
    counts = ask.counts()
    log_ins = [
        (float(count), {"service": service, "outcome": "accepted" if accepted else "refused"})
        for (service, accepted), count in sorted(counts.log_ins.items())
    ]
    acts = [(float(count), {"act": name}) for name, count in sorted(counts.acts.items())]
    return [
        metric("malleposte_log_ins_total", "Log-ins by service and outcome", *log_ins, kind="counter"),
        metric("malleposte_acts_total", "Acts that accountd carried out, by name", *acts, kind="counter"),
    ]
