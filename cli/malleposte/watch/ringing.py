"""Alarms that ring at this vault and that no host sees of itself, as its Alertmanager has them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from malleposte.watch.faults import PAGE, TICKET, Fault

CONFIG = Path("/etc/prometheus/alertmanager.yml")
"""On a vault alone."""
ADDRESS = "http://127.0.0.1:9093/api/v2/alerts?active=true&silenced=false&inhibited=false"
SECONDS = 10.0
LONGEST = 10_000_000
OF_A_HOST = frozenset(
    (
        "UnitInactive UnitInactiveMinor MeasureIsOld QueueIsOld HeldMail BackupIsOld RestoreIsNotProved "
        "CertificateEnds CertificateEndsNow SecurityUpdatesWait DiskFull DiskLow InodesLow DirectoryMapFull "
        "ProbePathFails ProbeIsSilent"
    ).split()
)
"""Alarms whose host says the same by its own measures."""


def faults(config: Path = CONFIG) -> list[tuple[Fault, float]]:
    """The alarms, each with the time at which it began (seconds since 1970); none where this is no vault.

    Raises OSError where Alertmanager does not answer, ValueError, KeyError or TypeError on another answer.
    """
    if not config.exists():
        return []
    with urllib.request.urlopen(ADDRESS, timeout=SECONDS) as answer:
        return list(read(json.loads(answer.read(LONGEST))))


def read(alerts: Sequence[dict[str, Any]]) -> Iterator[tuple[Fault, float]]:
    """The same of an answer of Alertmanager (its API, version 2)."""
    for one in alerts:
        labels, annotations = one["labels"], one["annotations"]
        if labels["alertname"] in OF_A_HOST or labels["severity"] not in (PAGE, TICKET):
            continue
        anchor = str(annotations["runbook"]).partition("#")[2]
        name = f"alarm {labels['alertname']} {one['fingerprint']}"
        began = datetime.fromisoformat(str(one["startsAt"])).timestamp()
        yield Fault(name, labels["severity"], str(annotations["summary"]), anchor), began
