"""The reports of other mail servers (DMARC, TLS), as their daemon counts them."""

from __future__ import annotations

from malleposte.reports import ask
from malleposte.reports.summary import Figures
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric


def counts(figures: Figures) -> list[Metric]:
    """The metrics of the daemon's figures. A stranger can raise those of today: no alarm rings by them."""
    last = [(float(when), {"kind": kind}) for kind, when in sorted(figures.last.items())]
    today = [(float(figures.refused), {"outcome": "refused"}), (float(figures.dropped), {"outcome": "dropped"})]
    return [
        metric("malleposte_reports_last_seconds", "Arrival of the last report of a kind, in seconds since 1970", *last),
        metric("malleposte_reports_today", "Reports that were not kept today, by what became of them", *today),
        metric("malleposte_reports_unknown_rows", "Rows of unknown sources of yesterday", float(figures.unknown)),
    ]


def measure(_settings: Settings, _now: float) -> list[Metric]:
    """The reports of this host. Raises MallepostError."""
    return counts(ask.figures())
