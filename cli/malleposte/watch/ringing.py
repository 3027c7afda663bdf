"""Alarms that ring at this vault and that no host sees of itself, as its Alertmanager has them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
        "ProbePathFails ProbePathStillFails ProbeIsSilent"
    ).split()
)
"""Alarms whose host says the same by its own measures."""


@dataclass(frozen=True)
class Rings:
    """An alarm that rings: name, severity, a sentence, its anchor in the run-book, since when (seconds since 1970)."""

    name: str
    fingerprint: str
    severity: str
    summary: str
    anchor: str
    since: float


def faults(config: Path = CONFIG) -> list[tuple[Fault, float]]:
    """The alarms, each with the time at which it began (seconds since 1970); none where this is no vault.

    Raises what `every` raises.
    """
    return list(read(every())) if config.exists() else []


def every() -> list[Rings]:
    """All that rings at this vault's Alertmanager.

    Raises OSError where it does not answer, ValueError, KeyError or TypeError on another answer.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(ADDRESS, timeout=SECONDS) as answer:
        return alarms(json.loads(answer.read(LONGEST)))


def alarms(alerts: Sequence[dict[str, Any]]) -> list[Rings]:
    """The same of an answer of Alertmanager (its API, version 2). Raises ValueError, KeyError, TypeError."""
    return [
        Rings(
            str(one["labels"]["alertname"]), str(one["fingerprint"]), one["labels"]["severity"],
            str(one["annotations"]["summary"]), str(one["annotations"]["runbook"]).partition("#")[2],
            datetime.fromisoformat(str(one["startsAt"])).timestamp(),
        )
        for one in alerts
        if one["labels"]["severity"] in (PAGE, TICKET)
    ]  # fmt: skip


def read(alarms: Iterable[Rings]) -> Iterator[tuple[Fault, float]]:
    """Those that no host sees of itself."""
    for one in alarms:
        if one.name not in OF_A_HOST:
            yield Fault(f"alarm {one.name} {one.fingerprint}", one.severity, one.summary, one.anchor), one.since
