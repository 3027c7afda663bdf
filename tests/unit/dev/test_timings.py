"""Times of the test files: kept by a run of pytest, the slowest told, and those beyond their budget."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.dev import checks, gate, timings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(timings, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_leaves_the_times_of_its_files(tmp_path: Path, workers: tuple[str, ...]) -> None:
    path = tmp_path / "deep" / "times.json"
    words = [sys.executable, "-m", "pytest", "-q", "tests/unit/core/test_loops.py", *workers]
    env = {timings.VARIABLE: str(path), "PATH": "/usr/bin"}
    subprocess.run([*words, "-o", f"cache_dir={tmp_path}"], cwd=ROOT, check=True, capture_output=True, env=env)
    assert list(json.loads(path.read_text())) == ["tests/unit/core/test_loops.py"]


def test_the_slowest_are_told_and_who_exceeds_the_budget(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timings, "budgets", lambda: {"tests/stack": 20, "tests/stack/shared/test_a.py": 200})
    took = {f"tests/stack/shared/test_{name}.py": 100.0 - 10 * rank for rank, name in enumerate("abcdefg")}
    timings.keep(folder / "stack-shared.json", took | {"tests/stack/test_quick.py": 19})
    lines = timings.report(gate.runs_of("stack"))
    slow = [line.split()[1] for line in lines if line.startswith("slow")]
    assert slow == [f"tests/stack/shared/test_{name}.py" for name in "abcde"]
    over = [line for line in lines if line.startswith("over")]
    assert len(over) == 6, "the first has a budget of its own, the last keeps to its folder's"
    assert "1 min 30 s" in over[0] and "20 s" in over[0]


def test_times_of_an_earlier_run_are_not_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malleposte.core.paths.LOG_DIR", tmp_path)
    timings.keep(folder / "unit.json", {"tests/unit/test_a.py": 1})
    assert timings.report(gate.runs_of("unit"))
    gate.run_streamed("unit", [checks.Check("unit", (sys.executable, "-c", "pass"))], Progress(quiet=True))
    assert timings.report(gate.runs_of("unit")) == []


def test_without_times_nothing_is_told(folder: Path) -> None:
    assert timings.report(gate.runs_of("unit")) == []


def test_every_budget_is_of_something_that_is_there() -> None:
    missing = [name for name in timings.budgets() if not (ROOT / name).exists()]
    assert missing == []
