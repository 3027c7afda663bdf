"""The steps of `up`, and the initial state of the stack tests, over a lab that only records calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.progress import Progress
from malleposte.dev import bringup
from malleposte.dev.lab import LabError, LabUsageError
from malleposte.fleet import playbook
from malleposte.fleet.remote import Place
from malleposte.probe.accounts import SeedReport
from malleposte.probe.model import Result, Status


class NotingLab:
    """Notes what is asked of it."""

    def __init__(self, *, snapshot: bool = False, error: LabError | None = None) -> None:
        self.notes: list[str] = []
        self.deploy_inventory = Path("lab")
        self.inventory = SimpleNamespace(hosts=[SimpleNamespace(name="mail1"), SimpleNamespace(name="world")])
        self._snapshot = snapshot
        self._error = error

    def up(self) -> None:
        if self._error:
            raise self._error
        self.notes.append("up")

    def install_browser(self) -> None:
        self.notes.append("browser")

    def snapshots(self) -> dict[str, list[str]]:
        return {"converged": ["mail1", "world"] if self._snapshot else ["mail1"]}

    def snapshot(self, label: str, *, replace: bool) -> None:
        assert replace
        self.notes.append(f"snapshot {label}")

    def restore(self, label: str) -> None:
        self.notes.append(f"restore {label}")


def steps(
    monkeypatch: pytest.MonkeyPatch,
    lab: NotingLab,
    changed: int = 0,
    code: int = 0,
    fresh: bool = True,
    lost: Sequence[str] = (),
) -> bringup.BringUp:
    summary = {"hosts": {"mail1": {"changed": changed}}}

    def run(*_: object, **__: object) -> playbook.Report:
        lab.notes.append("deploy")
        return playbook.Report(code, Path("the.log"), "linear", summary, "mail1: no" if code else "")

    def seed(_: Path) -> SeedReport:
        lab.notes.append("seed")
        return SeedReport(created=["a"])

    def back_up(_: Place, words: list[str]) -> tuple[int, Any]:
        lab.notes.append(" ".join(words))
        return len(lost), {"errors": lost}

    monkeypatch.setattr(bringup.Lab, "load", lambda *_, **__: lab)
    monkeypatch.setattr(bringup.playbook, "run", run)
    monkeypatch.setattr(bringup, "seed", seed)
    monkeypatch.setattr(bringup.remote, "backups", lambda _: (["vault1"], [Place("mail1", ("ssh", "mail1"))]))
    monkeypatch.setattr(bringup.backups, "ask", lambda _: {"vaults": {}})
    monkeypatch.setattr(bringup.backups, "fresh", lambda *_: fresh)
    monkeypatch.setattr(Place, "answer", back_up)
    monkeypatch.setattr(bringup.checking, "gate", lambda *_, **__: None)
    monkeypatch.setattr(bringup.enrolment, "ensure_factor", lambda *_: None)
    return bringup.BringUp(Progress(quiet=True))


@pytest.mark.parametrize(
    ("snapshot", "changed", "notes"),
    [
        (False, 0, ["up", "deploy", "seed", "snapshot converged"]),
        (True, 0, ["restore converged", "up", "deploy", "seed"]),
        (True, 3, ["restore converged", "up", "deploy", "seed", "snapshot converged"]),
    ],
)
def test_the_state_that_the_tests_start_from(
    snapshot: bool, changed: int, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = NotingLab(snapshot=snapshot)
    steps(monkeypatch, lab, changed).ready_for_tests()
    assert lab.notes == notes


def test_the_backup_that_the_tests_start_from_is_in_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = NotingLab(snapshot=True)
    steps(monkeypatch, lab, fresh=False).ready_for_tests()
    assert lab.notes == ["restore converged", "up", "deploy", "seed", "backup run --json", "snapshot converged"]


def test_the_probe_s_second_factor_is_in_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = NotingLab()
    up = steps(monkeypatch, lab)
    monkeypatch.setattr(bringup.enrolment, "ensure_factor", lambda inventory, _say: lab.notes.append(f"{inventory}"))
    up.ready_for_tests()
    assert lab.notes[-2:] == ["lab", "snapshot converged"]


def test_a_first_backup_that_fails_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    up = steps(monkeypatch, NotingLab(), fresh=False, lost=["vault1 lacks ldap: no space"])
    assert up.back_up()
    assert up.done.as_dict()["backup_errors"] == ["mail1: vault1 lacks ldap: no space"]


def test_a_failed_deployment_stops_with_its_cause_and_log(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = NotingLab()
    with pytest.raises(MallepostError, match=r"deploy failed: mail1: no; details in the\.log"):
        steps(monkeypatch, lab, code=2).ready_for_tests()
    assert lab.notes == ["up", "deploy"]


@pytest.mark.parametrize("error", [LabError("no bridge"), LabUsageError("no host")])
def test_what_the_lab_raises_is_told_in_one_line(error: LabError, monkeypatch: pytest.MonkeyPatch) -> None:
    up = steps(monkeypatch, NotingLab(error=error))
    with pytest.raises(MallepostError) as caught:
        up.hosts()
    assert caught.value is error


def test_the_probe_s_results_are_shown_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [Result("one", Status.OK, 12, "fine"), Result("two", Status.FAILED, 3, "no")]
    order: list[str] = []
    up = steps(monkeypatch, NotingLab())
    monkeypatch.setattr(bringup.enrolment, "ensure_factor", lambda _inventory, _say: order.append("enrolled"))
    monkeypatch.setattr(bringup.probing, "walk", lambda _: order.append("walked") or iter(results))
    shown: list[Result] = []
    up.walk(shown.append)
    assert (shown, order) == (results, ["enrolled", "walked"]), "a first walk has its second factor"
    assert up.done.probe_code == ExitCode.FAILURE
    assert [entry["name"] for entry in up.done.as_dict()["probe"]] == ["one", "two"]


def test_the_lab_is_prepared_once_and_the_browser_only_for_its_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = NotingLab(snapshot=True)
    steps(monkeypatch, lab)
    preparation = bringup.Preparation(Progress(quiet=True))
    for tier in ("unit", "stack", "browser"):
        preparation.prepare(tier)
    assert lab.notes == ["restore converged", "up", "deploy", "seed", "browser"]
    asked: list[Path] = []
    found = bringup.Lab.load
    monkeypatch.setattr(bringup.Lab, "load", lambda path, **known: asked.append(path) or found(path, **known))
    preparation.prepare("fleet")
    preparation.prepare("fleet")
    assert (asked, lab.notes[5:]) == ([bringup.FLEET_INVENTORY], ["restore converged", "up", "deploy", "seed"])
