"""The note of security updates that wait: begun, kept, and begun anew where it was cut off."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from malleposte.fleet import updates as told
from malleposte.fleet import updates_note

from tests.unit.fleet.test_updates import SIMULATED


@pytest.fixture(autouse=True)
def apt(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(words: tuple[str, ...], **_more: Any) -> subprocess.CompletedProcess[str]:
        assert words == told.SIMULATED
        return subprocess.CompletedProcess(words, 0, SIMULATED, "")

    monkeypatch.setattr(updates_note.subprocess, "run", answered)


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates_note.time, "time", lambda: moment)


def test_the_first_time_that_it_waits_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "note.json"
    for moment in (1000.0, 2000.0):
        at(moment, monkeypatch)
        assert updates_note.main([str(path)]) == 0
    note = told.Note.of(path.read_text("utf-8"))
    assert note.read == 2000.0 and [one.since for one in note.waiting] == [1000.0, 1000.0]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("cut", ["", "{", "[]"])
def test_a_note_that_was_cut_off_is_set_aside_and_begun_anew(
    tmp_path: Path, cut: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "note.json"
    path.write_text(cut)
    assert updates_note.main([str(path)]) == 0
    assert len(told.Note.of(path.read_text("utf-8")).waiting) == 2
    (aside,) = [one for one in tmp_path.iterdir() if one != path]
    assert aside.read_text() == cut and aside.name in capsys.readouterr().err


def test_apt_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failed(words: tuple[str, ...], **_more: Any) -> subprocess.CompletedProcess[str]:
        raise subprocess.CalledProcessError(100, words)

    monkeypatch.setattr(updates_note.subprocess, "run", failed)
    assert updates_note.main([str(tmp_path / "note.json")]) == 1 and not list(tmp_path.iterdir())
    assert "100" in capsys.readouterr().err
    assert updates_note.main([]) == 2
