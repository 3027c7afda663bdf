"""`malleposte status` on a host: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte import cli
from malleposte.core import paths
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.watch import silence, status
from malleposte.watch.faults import Fault
from malleposte.watch.status import Row

NOW = 1_795_996_000.0
PAGE = Row(Fault("unit a.service", "page", "a.service (a) is not active", "a-unit-is-not-active"), NOW)


@pytest.fixture(autouse=True)
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOSTED", True)


def seen(monkeypatch: pytest.MonkeyPatch, rows: list[Row], *blind: str) -> None:
    """Let the host have these faults, and something that could not be looked at."""

    def here(tell: Callable[[str], object]) -> list[Row]:
        for line in blind:
            tell(line)
        return rows

    monkeypatch.setattr(status, "here", here)


def test_a_host_without_faults_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen(monkeypatch, [])
    assert cli.main(["status"]) == ExitCode.DONE
    assert capsys.readouterr().out == "nothing is wrong\n"


def test_faults_are_printed_and_what_was_not_looked_at_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(monkeypatch, [PAGE])
    assert cli.main(["status"]) == ExitCode.FAILURE
    assert "a.service (a) is not active" in capsys.readouterr().out
    seen(monkeypatch, [PAGE], "disks: no answer")
    assert cli.main(["status"]) == ExitCode.PARTLY
    assert capsys.readouterr().out.endswith("not looked at: disks: no answer\n")
    assert cli.main(["status", "--json"]) == ExitCode.PARTLY
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "faults": [
            {
                "name": "unit a.service", "rings": "page", "text": "a.service (a) is not active",
                "runbook": "docs/watch.md#a-unit-is-not-active", "since": NOW, "silenced_until": None,
            }
        ],
        "not_looked_at": ["disks: no answer"],
    }  # fmt: skip


def test_a_plugin_exits_as_nagios_asks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for rows, blind, code in (([], (), 0), ([PAGE], (), 2), ([], ("disks: x",), 3)):
        seen(monkeypatch, rows, *blind)
        assert cli.main(["status", "--nagios"]) == code
    assert capsys.readouterr().out.count("\n") == 3

    def broken(_tell: Callable[[str], object]) -> list[Row]:
        raise MallepostError("no /etc/malleposte/watch.json on this host", "malleposte deploy writes it")

    monkeypatch.setattr(status, "here", broken)
    assert cli.main(["status", "--nagios"]) == status.UNKNOWN
    assert "UNKNOWN - no /etc/malleposte/watch.json" in capsys.readouterr().out
    assert cli.main(["status"]) == ExitCode.FAILURE


def test_a_host_is_silenced_by_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    calls: list[tuple[list[str], float, str]] = []
    monkeypatch.setattr(silence, "put", lambda units, seconds, why: calls.append((units, seconds, why)))
    assert cli.main(["status", "--silence", "30", "--reason", "a disk"]) == ExitCode.DONE
    assert cli.main(["status", "--silence", "0"]) == ExitCode.DONE
    assert calls == [(["all"], 1800, "a disk"), (["all"], 0, "work")]
    assert cli.main(["status", "--silence", "1441"]) == ExitCode.BAD_INPUT
