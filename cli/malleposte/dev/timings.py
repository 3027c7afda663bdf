"""Durations of the test files: kept by each run, compared with their budgets, the slowest reported.

A budget is no test: a slow machine exceeds it and nothing fails. It shows which file has grown.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from malleposte.core.paths import ROOT, VAR
from malleposte.core.progress import duration

VARIABLE = "MALLEPOSTE_TEST_TIMES"
"""Names the file where pytest leaves its times (tests/conftest.py)."""
FOLDER = VAR / "test-times"
BUDGETS = ROOT / "tests" / "budgets.json"
SLOWEST = 5


def budgets() -> dict[str, float]:
    """Seconds that a file takes on a busy machine of two cores, by its path; by a folder for those not named."""
    seconds: dict[str, float] = json.loads(BUDGETS.read_text("utf-8"))
    return seconds


def budget(name: str, seconds: Mapping[str, float]) -> float:
    """The budget of a test file: its own, else that of the nearest folder above."""
    if name in seconds:
        return seconds[name]
    folders = (str(folder) for folder in Path(name).parents)
    return next((seconds[folder] for folder in folders if folder in seconds), float("inf"))


def keep(path: Path, seconds: Mapping[str, float]) -> None:
    """Write the seconds by test file, longest first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(seconds.items(), key=lambda pair: -pair[1])
    path.write_text(json.dumps({name: round(took, 1) for name, took in ordered}, indent=1) + "\n", "utf-8")


def forget(name: str) -> None:
    """Remove the kept times of a run of pytest, before it is run again."""
    (FOLDER / f"{name}.json").unlink(missing_ok=True)


def read_times(runs: Iterable[str]) -> dict[str, float]:
    """The kept times of some runs of pytest; nothing of those that kept none."""
    times: dict[str, float] = {}
    for name in runs:
        path = FOLDER / f"{name}.json"
        if path.is_file():
            rows: dict[str, Any] = json.loads(path.read_text("utf-8"))
            times |= rows
    return times


def report(runs: Iterable[str]) -> list[str]:
    """The slowest files, and a warning for each that took more than its budget; nothing without kept times."""
    times = read_times(runs)
    ordered = sorted(times.items(), key=lambda pair: -pair[1])
    lines = [f"slow   {name:<58}{duration(took):>13}" for name, took in ordered[:SLOWEST]]
    allowed = budgets()
    for name, took in ordered:
        most = budget(name, allowed)
        if took > most:
            lines.append(f"over   {name}: {duration(took)}, its budget (tests/budgets.json) is {duration(most)}")
    return lines
