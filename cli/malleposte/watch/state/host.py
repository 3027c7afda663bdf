"""The state of a host that no vault watches, by its own measures: what is wrong, without a history.

The measuring program writes it every minute for the portal on this host, which reads no measure itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.runtime import durable
from malleposte.watch.faults import Values
from malleposte.watch.state.document import HOST, MOST_ALARMS, MOST_BLIND, MOST_ROWS, Alarm, Row, State, encoded, short
from malleposte.watch.status import Row as Fault
from malleposte.watch.textfile import Sample

NAME = "state.json"
MODE = 0o640
"""The group of the folder, which is the portal's, reads; nobody else."""


@dataclass(frozen=True)
class Table:
    """The measure that a table shows, and its label that names the thing."""

    metric: str
    what: str = ""


TABLES: Mapping[str, Table] = {
    "paths": Table("malleposte_probe_ok", "path"),
    "probe_last": Table("malleposte_probe_last_run_seconds"),
    "queues": Table("malleposte_queue_oldest_seconds", "queue"),
    "backups": Table("malleposte_backup_last_success_seconds", "repository"),
    "restores": Table("malleposte_restore_last_proved_seconds"),
}
"""The tables of `table.NOW` that one host can fill without a history."""


def state(faults: Sequence[Fault], values: Values, blind: Iterable[str], now: float) -> State:
    """Return the state of this host by its faults and measures."""
    name = socket.gethostname()
    alarms = tuple(
        Alarm(row.fault.rings, short(row.fault.text), short(row.runbook), row.since, row.silenced) for row in faults
    )
    tables = {
        key: tuple(_row(name, one, sample) for sample in values.get(one.metric, ()))[:MOST_ROWS]
        for key, one in TABLES.items()
    }
    return State(HOST, name, now, alarms[:MOST_ALARMS], tables, blind=tuple(map(short, blind))[:MOST_BLIND])


def _row(host: str, table: Table, sample: Sample) -> Row:
    return Row(host, short(sample.labels.get(table.what, "")), sample.value)


def write(folder: Path, content: State) -> None:
    """Replace the document in the folder that the portal reads. Raises OSError."""
    durable.write(folder / NAME, encoded(content), MODE)
