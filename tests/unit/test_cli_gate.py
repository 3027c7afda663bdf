"""The gate: order of the tiers, stop at the first failure, what each runner said last."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from malleposte import gate
from malleposte.progress import Progress
from malleposte.run import Finished


def python(code: str) -> gate.Check:
    return gate.Check("trial", (sys.executable, "-c", code))


@pytest.fixture(autouse=True)
def scratch_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malleposte.paths.LOG_DIR", tmp_path)


def tiers_run(monkeypatch: pytest.MonkeyPatch, codes: dict[str, str], **options: bool) -> dict[str, bool]:
    monkeypatch.setattr(gate, "checks_of", lambda tier, **_: [python(codes[tier])] if tier in codes else [])
    outcomes = gate.run(list(reversed(gate.TIERS[1:])), Progress(quiet=True), **options)
    return {outcome.tier: outcome.ok for outcome in outcomes}


def test_cheap_tiers_come_first_and_the_first_failure_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    done = tiers_run(monkeypatch, {"unit": "pass", "architecture": "raise SystemExit(1)", "stack": "pass"})
    assert list(done.items()) == [("unit", True), ("architecture", False)]


def test_keep_going_runs_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    done = tiers_run(monkeypatch, {"unit": "raise SystemExit(1)", "stack": "pass"}, keep_going=True)
    assert done == {"unit": False, "architecture": True, "molecule": True, "stack": True, "browser": True}


def test_no_test_collected_is_no_failure_of_pytest_alone() -> None:
    check = python("raise SystemExit(5)")
    assert gate.run_streamed("unit", [check], Progress(quiet=True)).ok
    assert not gate.run_streamed("molecule", [check], Progress(quiet=True)).ok


def test_a_tier_is_prepared_only_when_it_has_something_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(gate, "checks_of", lambda tier, **_: [python("pass")] if tier == "stack" else [])
    list(gate.run(["unit", "stack", "browser"], Progress(quiet=True), prepare=prepared.append))
    assert prepared == ["stack"]


def test_the_closing_lines_stand_alone_at_the_end() -> None:
    summary = "=========== 12 passed, 1 skipped in 3.40s ============"
    assert gate.closing_line(Finished(0, ("x passed by", summary, "log written"))) == summary
    report = gate.closing_report([gate.Outcome("unit", True, 3.4, summary)])
    assert report[-1] == summary
    assert report[1].split() == ["ok", "unit", "3.4", "s"]


def test_long_tests_run_only_when_asked() -> None:
    assert "not full" in gate.pytest_check("stack").words
    assert "not full" not in gate.pytest_check("stack", full=True).words
    assert gate.pytest_check("stack", expression="spam").words[-2:] == ("-k", "spam")


def test_every_shell_script_is_linted() -> None:
    assert {"malleposte", ".ci/run"} <= set(gate.shell_scripts())
    assert not [name for name in gate.shell_scripts() if name.startswith((".venv", "var/"))]


def test_nothing_is_skipped_by_ansible_lint() -> None:
    settings = (gate.ROOT / ".ansible-lint").read_text()
    assert "profile: production" in settings
    assert "skip_list" not in settings
    assert "warn_list" not in settings
