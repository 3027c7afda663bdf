"""Paths of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.core import paths


def test_two_commands_that_begin_in_one_second_have_a_log_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "LOG_DIR", tmp_path / "log")
    logs = [paths.new_log("deploy") for _ in range(5)]
    assert len(set(logs)) == 5
    assert sorted((tmp_path / "log").iterdir()) == sorted(logs)
    assert all(log.name.startswith("deploy-") and log.suffix == ".log" for log in logs)
    assert {log.stat().st_mode & 0o777 for log in logs} == {0o600}
