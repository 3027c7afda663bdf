"""The few measures that the region's own supervision may read: no names but of hosts, units, queues, paths, backups.

They are a file of their own, which the watch's nginx hands on (role watch): what is not in this table is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from malleposte.runtime import durable
from malleposte.watch.faults import Values
from malleposte.watch.textfile import Metric, Sample, render

NAME = "metrics"
MODE = 0o640
"""The group of the folder, which is nginx's, reads; nobody else."""
METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "malleposte_unit_active": ("Whether a unit that must be active on this host is", ("name", "service", "rings")),
    "malleposte_probe_ok": ("Whether a path of the probe works (1) or fails (0)", ("path",)),
    "malleposte_probe_last_run_seconds": ("When the probe last ended, in seconds since 1970", ()),
    "malleposte_queue_messages": ("Messages in a queue of Postfix", ("queue",)),
    "malleposte_queue_oldest_seconds": ("Age of the oldest message in a queue of Postfix, in seconds", ("queue",)),
    "malleposte_backup_last_success_seconds": (
        "Begin of the last archive of a source on a vault, in seconds since 1970",
        ("repository",),
    ),
    "malleposte_restore_last_proved_seconds": (
        "Last restore of a sample on the vault that waits longest, in seconds since 1970",
        (),
    ),
    "malleposte_certificate_end_seconds": ("End of a certificate, in seconds since 1970", ("name",)),
    "malleposte_textfile_last_seconds": ("Time of the last measure of a program, in seconds since 1970", ("program",)),
}
"""By name: what it means, and the labels that go with it."""


def chosen(values: Values) -> Iterator[Metric]:
    """Return the metrics among the values of this host that are in the table, with its labels alone."""
    for name, (about, labels) in METRICS.items():
        samples = (
            Sample(one.value, {label: one.labels[label] for label in labels if label in one.labels})
            for one in values.get(name, ())
        )
        yield Metric(name, about, tuple(samples))


def write(folder: Path, values: Values) -> None:
    """Replace the file that nginx hands on. Raises OSError."""
    durable.write(folder / NAME, render(chosen(values)), MODE)
