"""The probe's path of security updates."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from malleposte.commands import probe
from malleposte.fleet.remote import Place
from malleposte.fleet.updates import Note
from malleposte.probe import run as probing
from malleposte.probe import updates
from malleposte.probe.model import Result, Status

from tests.unit.fleet.test_updates import DAY, MAIN, NOW, SECURITY, STATUS, WAITING, answers, read


def test_every_host_that_gets_them_is_one_right_path() -> None:
    known = {"mail1": read(answers()), "pia1": read(answers(note=Note(NOW, WAITING[1:]).text()))}
    assert updates.result(known, NOW, 5) == Result(
        "security-updates", Status.OK, 5, "2 hosts, the oldest lists read 1 h ago, 1 waiting"
    )


def test_each_host_that_does_not_is_named() -> None:
    known = {
        "mail1": read(answers()),
        "pia1": read(answers(STATUS + MAIN)),
        "web1": "cannot be reached over ssh",
        "db1": read(answers(read=str(int(NOW - 9 * DAY)))),
    }
    found = updates.result(known, NOW, 5)
    assert found.status is Status.FAILED and "mail1" not in found.detail
    assert "pia1: no security updates" in found.detail and "web1: cannot be reached" in found.detail
    assert "db1: its package lists were last read 2026-11-20" in found.detail


def test_a_host_is_asked_by_its_own_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = {"mail1": STATUS + SECURITY + MAIN, "pia1": STATUS + MAIN}

    def run(words: list[str], **_more: Any) -> subprocess.CompletedProcess[str]:
        if words[1] == "web1":
            return subprocess.CompletedProcess(words, 255, "", "no route")
        lines = "".join(f"{name}={value}\n" for name, value in answers(fake[words[1]]).items())
        return subprocess.CompletedProcess(words, 0, lines, "")

    hosts = ("mail1", "pia1", "web1")
    monkeypatch.setattr(updates.subprocess, "run", run)
    monkeypatch.setattr(updates.time, "time", lambda: NOW)
    monkeypatch.setattr(updates.remote, "listing", lambda _inventory: {})
    monkeypatch.setattr(updates.remote, "chosen", lambda *_: [Place(one, ("ssh", one)) for one in hosts])
    (found,) = probing.walk(tmp_path, only=["security-updates"])
    assert found.status is Status.FAILED
    assert found.detail == (
        "pia1: no security updates: no suite with the label Debian-Security is among its apt sources that were read; "
        "web1: cannot be reached over ssh"
    )


def test_an_upgrade_begins_while_updates_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def asked(_inventory: Path) -> Result:
        raise AssertionError("what waits is what an upgrade is for")

    here = Result("submit-587", Status.OK, 1, "")
    monkeypatch.setattr(updates, "walk", asked)
    monkeypatch.setattr(probing.facts, "site", lambda _inventory: type("S", (), {"ssh": (), "plan": {}})())
    monkeypatch.setattr(probing.ship, "run", lambda *_: iter([here]))
    monkeypatch.setattr(probing.backups, "walk", lambda *_: iter([]))
    monkeypatch.setattr(probe, "ensure_accounts", lambda _inventory: None)
    monkeypatch.setattr(probe.enrolment, "ensure_factor", lambda *_: None)
    assert probe.walker(tmp_path)() == [here]
    monkeypatch.setattr(updates, "walk", lambda _inventory: Result("security-updates", Status.FAILED, 1, ""))
    assert [one.name for one in probing.walk(tmp_path)] == ["submit-587", "security-updates"]
