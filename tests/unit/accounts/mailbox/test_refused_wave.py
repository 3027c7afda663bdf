"""The marks of waves that the filter refuses."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from malleposte.accounts.mailbox import refused_wave
from malleposte.core.errors import InputError
from malleposte.deliveries.retracted import Stop

IDENT, OTHER = "20261130-101500-3f2a", "20261129-090000-00aa"
NOW = time.mktime((2026, 11, 30, 12, 0, 0, 0, 0, -1))


def test_the_marks_of_each_wave_are_set_and_taken_away_apart(tmp_path: Path) -> None:
    path = tmp_path / "refused.map"
    refused_wave.stop(Stop(OTHER, ("A@x",), (), ("phish.example.org",)), path, NOW)
    refused_wave.stop(Stop(IDENT, ("b@x",), ("c0ffee",)), path, NOW)
    assert path.read_text().splitlines() == [
        f"id:a@x {OTHER}", f"host:phish.example.org {OTHER}", f"id:b@x {IDENT}", f"content:c0ffee {IDENT}",
    ]  # fmt: skip
    refused_wave.stop(Stop(OTHER), path, NOW)
    assert path.read_text().splitlines() == [f"id:b@x {IDENT}", f"content:c0ffee {IDENT}"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_mark_that_would_be_two_words_or_two_lines_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "refused.map"
    refused_wave.stop(Stop(IDENT, ("a b@x", "a\nid:c@x", "d@x", "é@x", "e" * 300)), path, NOW)
    assert path.read_text() == f"id:d@x {IDENT}\n"


def test_old_waves_go_and_the_number_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "refused.map"
    refused_wave.stop(Stop("20261001-000000-aaaa", ("old@x",)), path, NOW)
    monkeypatch.setattr(refused_wave, "MOST", 3)
    refused_wave.stop(Stop(IDENT, tuple(f"{number}@x" for number in range(5))), path, NOW)
    assert path.read_text().splitlines() == [f"id:{number}@x {IDENT}" for number in (2, 3, 4)]


def test_two_waves_at_once_both_stand(tmp_path: Path) -> None:
    path = tmp_path / "refused.map"

    def one(number: int) -> None:
        refused_wave.stop(Stop(f"20261130-101500-{number:04x}", (f"{number}@x",)), path, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert len(path.read_text().splitlines()) == 40


def test_a_name_of_no_retraction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        refused_wave.stop(Stop("x\n20261130-101500-3f2a", ("a@x",)), tmp_path / "refused.map", NOW)
    assert not (tmp_path / "refused.map").exists()
