"""Notes of silence end by themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from malleposte.core.errors import InputError
from malleposte.watch import settings, silence, textfile


def test_a_note_silences_until_its_time_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "state" / "silence.json"
    before = time.time()
    silence.put(["postfix.service"], 600, "a restore", path, tmp_path)
    silence.put([silence.ALL], 60, "a deploy", path, tmp_path)
    held = silence.notes(before, path)
    assert held.keys() == {"postfix.service", silence.ALL}
    assert before + 600 <= held["postfix.service"].until <= time.time() + 600
    assert silence.notes(held[silence.ALL].until, path).keys() == {"postfix.service"}
    assert silence.notes(held["postfix.service"].until, path) == {}
    shown = textfile.read(tmp_path)["malleposte_silence_until_seconds"]
    assert [one.labels["unit"] for one in shown] == [silence.ALL, "postfix.service"]


def test_the_end_of_the_work_shortens_its_own_note_alone(tmp_path: Path) -> None:
    path = tmp_path / "silence.json"
    silence.put(["a.service", "b.service"], 600, "a restore", path, tmp_path)
    silence.put(["a.service"], 0, "a restore", path, tmp_path)
    assert silence.notes(time.time(), path).keys() == {"b.service"}


def test_the_end_of_one_piece_of_work_leaves_the_silence_of_another(tmp_path: Path) -> None:
    path = tmp_path / "silence.json"
    before = time.time()
    silence.put([silence.ALL], 7200, "replacing a disk", path, tmp_path)
    silence.put([silence.ALL], 3600, "a deploy", path, tmp_path)
    assert silence.notes(before, path)[silence.ALL].until >= before + 7200, "nor does its beginning shorten it"
    silence.put([silence.ALL], silence.AFTER, "a deploy", path, tmp_path)
    assert silence.notes(before, path)[silence.ALL].until >= before + 7200
    (shown,) = textfile.read(tmp_path)["malleposte_silence_until_seconds"]
    assert shown.value >= int(before) + 7200
    silence.put([silence.ALL], 0, "work", path, tmp_path)
    assert silence.notes(before, path) == {}, "who ends the silence of a host ends all of it"


@pytest.mark.parametrize("seconds", [-1, silence.LONGEST + 1])
def test_nobody_silences_for_longer_than_a_day(seconds: float, tmp_path: Path) -> None:
    path = tmp_path / "silence.json"
    with pytest.raises(InputError, match="seconds of silence"):
        silence.put([silence.ALL], seconds, "x", path, tmp_path)
    assert not path.exists()
    silence.put([silence.ALL], silence.LONGEST, "x", path, tmp_path)


def test_a_broken_file_of_notes_silences_nothing(tmp_path: Path) -> None:
    path = tmp_path / "silence.json"
    path.write_text('{"unit": 3}')
    assert silence.notes(0, path) == {}
    silence.put([silence.ALL], 60, "x", path, tmp_path)
    assert silence.notes(time.time(), path).keys() == {silence.ALL}


def test_a_piece_of_work_silences_what_it_stops_even_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], float]] = []
    monkeypatch.setattr(silence, "put", lambda units, seconds, _reason: calls.append((list(units), seconds)))
    monkeypatch.setattr(settings, "FILE", tmp_path / "watch.json")
    with silence.during("a restore", 600, "a.service"):
        assert calls == [], "a host that is not watched"
    settings.FILE.write_text("{}")
    with pytest.raises(ZeroDivisionError), silence.during("a restore", 600, "a.service"):
        raise ZeroDivisionError
    assert calls == [(["a.service"], 600), (["a.service"], silence.AFTER)]
