"""The alarms that rang while tests ran are named beside the tests that made a fault at that time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from malleposte.dev import gate

from tests.stack.support import alarms
from tests.stack.support.alarms import Fault, Ringing


def row(alarm: str, *times: float, **labels: str) -> dict[str, Any]:
    return {"metric": {"alertname": alarm, **labels}, "values": [[moment, "1"] for moment in times]}


def test_both_vaults_and_all_units_of_a_host_are_one_alarm() -> None:
    both = [row("UnitRestarts", 0, 30, 60, instance="mail1", name=name) for name in ("a.service", "b.service")]
    one = row("UnitRestarts", 60, 90, instance="mail1", name="a.service")
    (merged,) = alarms.merged([*both, one])
    assert merged == Ringing("UnitRestarts", "mail1", 2, 0, 90)


def test_an_alarm_that_rings_again_later_is_another() -> None:
    rows = [row("UnitInactive", 0, 30, 600, 630, instance="mail1"), row("UnitInactive", 0, instance="web1")]
    assert [(one.instance, one.begun, one.ended) for one in alarms.merged(rows)] == [
        ("mail1", 0, 30),
        ("web1", 0, 0),
        ("mail1", 600, 630),
    ]


@pytest.mark.parametrize(
    ("fault", "explained"),
    [
        (Fault("platform/test_a.py::test_b", 100, 200, ("UnitInactive",)), True),
        (Fault("platform/test_a.py::test_b", 100, 200, ("UnitRestarts",)), False),
        (Fault("platform/test_a.py::test_b", 400, 500, ("UnitInactive",)), False),
        (Fault("platform/test_a.py::test_b", -2000, -1500, ("UnitInactive",)), False),
    ],
)
def test_an_alarm_has_its_fault_or_none(fault: Fault, explained: bool) -> None:
    line = alarms.line(Ringing("UnitInactive", "mail1", 1, 210, 240), [fault])
    assert line.startswith("alarm UnitInactive mail1, ")
    assert line.endswith("by platform/test_a.py::test_b") is explained
    assert line.endswith("WITHOUT A FAULT of a test") is not explained


@pytest.mark.parametrize("vaults", [["vault1"], ["vault1", "vault2"]])
def test_the_vaults_of_the_inventory_are_asked(vaults: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ranges(_site: object, vault: str, _begun: float, _ended: float) -> list[dict[str, Any]]:
        asked.append(vault)
        return [row("UnitInactive", 0, instance="mail1")]

    monkeypatch.setattr(alarms, "ranges", ranges)
    listing = {"vault": {"hosts": vaults}, "_meta": {"hostvars": {}}}
    (text,) = alarms.Recorder().lines(json.dumps(listing))
    assert text.startswith("alarm UnitInactive mail1, ")
    assert asked == vaults


def test_the_gate_shows_these_lines() -> None:
    line = alarms.line(Ringing("UnitInactive", "mail1", 1, 210, 240), [])
    assert gate.alarms(["PASSED x", line, "== 1 passed =="]) == [line]
