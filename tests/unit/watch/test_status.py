"""The state of a host: since when, silenced or not, and as a plugin of Nagios."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.watch import faults, silence, status, textfile
from malleposte.watch.faults import Fault
from malleposte.watch.settings import Settings
from malleposte.watch.status import Row
from malleposte.watch.textfile import metric

NOW = 1_795_996_000.0
PAGE = Fault("unit a.service", "page", "a.service (a) is not active", "a-unit-is-not-active", 120, "a.service")
TICKET = Fault("held mail", "ticket", "mail is held", "mail-is-held")


def test_a_fault_keeps_its_time_and_one_that_ended_loses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    since, notes = tmp_path / "since.json", tmp_path / "silence.json"
    found = Settings(tmp_path, (), ())
    monkeypatch.setattr(faults, "disks", lambda _mounts, _blind: [])
    down = metric("malleposte_unit_active", "x", (0, {"name": "a.service", "service": "a", "rings": "page"}))
    held = metric("malleposte_held_oldest_seconds", "x", 9_000.0)
    textfile.write(tmp_path, "units", [down, held], NOW)
    rows = status.look(found, NOW, print, since, notes)
    assert [(row.fault.name, row.since, row.rings(NOW)) for row in rows] == [
        ("unit a.service", NOW, False), ("held mail", NOW, False),
    ]  # fmt: skip
    status.note(rows, since)
    silence.put(["a.service"], 600, "a restore", notes, tmp_path / "none")
    rows = status.look(found, NOW + 300, print, since, notes)
    assert [(row.since, bool(row.silenced), row.rings(NOW + 300)) for row in rows] == [
        (NOW, True, False),
        (NOW, False, True),
    ]
    textfile.write(tmp_path, "units", [held], NOW)
    status.note(status.look(found, NOW + 360, print, since, notes), since)
    textfile.write(tmp_path, "units", [down, held], NOW)
    rows = status.look(found, NOW + 420, print, since, notes)
    assert {row.fault.name: row.since for row in rows} == {"unit a.service": NOW + 420, "held mail": NOW}


def test_what_cannot_be_looked_at_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "disks", lambda _mounts, _blind: [])
    (tmp_path / "malleposte-x.prom").write_text("broken\n")
    blind: list[str] = []
    rows = status.look(Settings(tmp_path, (), ("queue",)), NOW, blind.append, tmp_path / "s", tmp_path / "n")
    assert "not a metric" in blind[0]
    assert [row.fault.text for row in rows] == ["the measure queue was never made"]


def test_the_table_says_since_when_and_what_to_do(paris: None) -> None:
    assert status.table([]) == ["nothing is wrong"]
    assert status.table([Row(PAGE, NOW), Row(TICKET, NOW, NOW + 600)]) == [
        "page    since 2026-11-30 00:46 CET  a.service (a) is not active",
        "        docs/watch.md#a-unit-is-not-active",
        "ticket  since 2026-11-30 00:46 CET  mail is held, silenced until 2026-11-30 00:56 CET",
        "        docs/watch.md#mail-is-held",
    ]


@pytest.mark.parametrize(
    ("rows", "blind", "code", "line"),
    [
        ([], [], 0, "MALLEPOSTE OK - nothing is wrong | pages=0 tickets=0 silenced=0"),
        ([Row(TICKET, NOW)], [], 1, "MALLEPOSTE WARNING - mail is held | pages=0 tickets=1 silenced=0"),
        ([Row(PAGE, NOW), Row(TICKET, NOW)], ["disks: x"], 2,
         "MALLEPOSTE CRITICAL - a.service (a) is not active; mail is held | pages=1 tickets=1 silenced=0"),
        ([Row(PAGE, NOW, NOW + 9)], [], 0, "MALLEPOSTE OK - nothing is wrong | pages=0 tickets=0 silenced=1"),
        ([Row(TICKET, NOW)], ["disks: x"], 3,
         "MALLEPOSTE UNKNOWN - disks: x; mail is held | pages=0 tickets=1 silenced=0"),
    ],
)  # fmt: skip
def test_a_plugin_of_nagios_exits_by_the_worst(rows: list[Row], blind: list[str], code: int, line: str) -> None:
    assert status.plugin(rows, blind) == (code, line)
