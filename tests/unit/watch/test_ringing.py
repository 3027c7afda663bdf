"""Alarms that ring at a vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from malleposte.watch import ringing

from tests.support import watch


def alert(name: str, severity: str = "page") -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity}, "fingerprint": "a1", "startsAt": "1970-01-01T00:01:00Z",
        "annotations": {"summary": f"it is {name}", "runbook": f"docs/watch.md#{name.lower()}"},
    }  # fmt: skip


def test_alarms_that_no_host_sees_of_itself_are_shown() -> None:
    given = [alert("HostDown"), alert("UnitInactive"), alert("Watchdog", "heartbeat"), alert("FewDeliveries", "ticket")]
    found = list(ringing.read(ringing.alarms(given)))
    assert [(fault.rings, fault.text, fault.runbook, since) for fault, since in found] == [
        ("page", "it is HostDown", "hostdown", 60.0),
        ("ticket", "it is FewDeliveries", "fewdeliveries", 60.0),
    ]


def test_a_host_that_is_no_vault_has_none(tmp_path: Path) -> None:
    assert ringing.faults(tmp_path / "alertmanager.yml") == []


def test_the_alarms_that_hosts_see_are_alarms() -> None:
    assert set(watch.rules()) > ringing.OF_A_HOST
