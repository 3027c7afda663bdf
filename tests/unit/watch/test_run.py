"""The program that measures: one measure that fails is named, and stops no other."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.watch import registry, ring, run, settings, status, textfile
from malleposte.watch.registry import Measure
from malleposte.watch.state import ask
from malleposte.watch.textfile import Metric, metric

NOW = 1_795_996_000.0


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Measure]:
    """Three measures: one that works, one that fails, one that is due every ten minutes."""

    def broken(_found: settings.Settings, _now: float) -> list[Metric]:
        raise MallepostError("no answer", "look there")

    def value(number: float) -> Callable[[settings.Settings, float], list[Metric]]:
        return lambda _found, now: [metric("malleposte_x", "X", now + number)]

    found = {"a-broken": Measure(broken), "b-good": Measure(value(1)), "c-slow": Measure(value(2), 600.0)}
    monkeypatch.setattr(run, "MEASURES", found)
    monkeypatch.setattr(registry, "MEASURES", found)
    return found


def found(folder: Path, *names: str) -> settings.Settings:
    return settings.Settings(folder, (), names)


def test_the_one_that_fails_is_named_and_the_others_are_made(measures: dict[str, Measure], tmp_path: Path) -> None:
    said: list[str] = []
    assert not run.measure(found(tmp_path, *measures), NOW, said.append)
    assert said == ["<3>a-broken: no answer; look there"]
    assert {path.name for path in tmp_path.iterdir()} == {"malleposte-b-good.prom", "malleposte-c-slow.prom"}
    assert run.measure(found(tmp_path, "b-good"), NOW, said.append)


def test_a_measure_is_made_when_it_is_due(measures: dict[str, Measure], tmp_path: Path) -> None:
    both = found(tmp_path, "b-good", "c-slow")
    run.measure(both, NOW, print)
    for path in tmp_path.iterdir():
        os.utime(path, (NOW, NOW))
    run.measure(both, NOW + 60, print)
    values = {one.labels["program"]: one.value for one in textfile.read(tmp_path)[textfile.LAST]}
    assert values == {"b-good": NOW + 60, "c-slow": NOW}
    run.measure(both, NOW + 600, print)
    values = {one.labels["program"]: one.value for one in textfile.read(tmp_path)[textfile.LAST]}
    assert values == {"b-good": NOW + 600, "c-slow": NOW + 600}
    assert run.due("c-slow", tmp_path, NOW - 5000), "a clock that was set back"


def test_where_a_unit_failed_what_is_made_each_minute_is_made_at_once(
    measures: dict[str, Measure], tmp_path: Path
) -> None:
    both = found(tmp_path, "b-good", "c-slow")
    run.measure(both, NOW, print)
    for path in tmp_path.iterdir():
        os.utime(path, (NOW, NOW))
    run.measure(both, NOW + 5, print)
    values = {one.labels["program"]: one.value for one in textfile.read(tmp_path)[textfile.LAST]}
    assert values == {"b-good": NOW, "c-slow": NOW}, "neither is due"
    run.measure(both, NOW + 5, print, at_once=True)
    values = {one.labels["program"]: one.value for one in textfile.read(tmp_path)[textfile.LAST]}
    assert values == {"b-good": NOW + 5, "c-slow": NOW}


@pytest.mark.parametrize("words", [[], ["--now"]])
def test_the_program_is_started_by_the_minute_or_by_a_failure(
    measures: dict[str, Measure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    asked: list[bool] = []

    def once(_given: settings.Settings, _say: object, *, at_once: bool) -> int:
        asked.append(at_once)
        return ExitCode.DONE

    monkeypatch.setattr(run, "once", once)
    path = tmp_path / "watch.json"
    path.write_text(json.dumps({"folder": str(tmp_path), "units": [], "measures": ["b-good"]}))
    assert run.main([*words, str(path)]) == ExitCode.DONE
    assert asked == [bool(words)]
    assert run.main(["--check", *words, str(path)]) == ExitCode.DONE
    assert len(asked) == 1


def test_a_measure_that_the_host_has_no_more_leaves_no_file(measures: dict[str, Measure], tmp_path: Path) -> None:
    run.measure(found(tmp_path, "b-good", "c-slow"), NOW, print)
    (tmp_path / "malleposte-probe.prom").write_text("")
    run.measure(found(tmp_path, "b-good"), NOW, print)
    assert {path.name for path in tmp_path.iterdir()} == {"malleposte-b-good.prom", "malleposte-probe.prom"}


def test_settings_are_checked_before_they_are_used(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "watch.json"
    path.write_text(json.dumps({"folder": "/x", "units": [], "measures": ["queue"], "pager": "", "stores": {}}))
    assert run.main(["--check", str(path)]) == ExitCode.DONE
    path.write_text(
        json.dumps({"folder": "/x", "units": [], "measures": ["queue", "nothing"], "pager": "", "stores": {}})
    )
    assert run.main(["--check", str(path)]) == ExitCode.FAILURE
    assert "no measure is called 'nothing'" in capfd.readouterr().err


def test_what_others_read_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    measures, state, region = tmp_path / "measures", tmp_path / "state", tmp_path / "region"
    for folder in (measures, state, region):
        folder.mkdir()
    queue = metric("malleposte_queue_oldest_seconds", "A", (7.0, {"queue": "active", "user": "mdupond"}))
    log_ins = metric("malleposte_log_ins_total", "B", (3.0, {"service": "imap", "outcome": "refused"}))
    textfile.write(measures, "queue", [queue, log_ins], NOW)
    failed: list[str] = []
    run.hand_on(settings.Settings(measures, (), ("queue",)), [], failed, NOW)
    assert list(state.iterdir()) == list(region.iterdir()) == []
    given = settings.Settings(measures, (), ("queue",), state=str(state), region=str(region))
    run.hand_on(given, [], failed, NOW)
    assert failed == []
    assert [row.value for row in ask.read(state / "state.json").tables["queues"]] == [7.0]
    text = (region / "metrics").read_text()
    assert 'malleposte_queue_oldest_seconds{queue="active"} 7' in text.splitlines()
    assert "mdupond" not in text and "log_ins" not in text
    assert {name for name, _sample in textfile.parse(text)} == {"malleposte_queue_oldest_seconds", textfile.LAST}
    (region / "metrics").unlink()
    region.rmdir()
    run.hand_on(given, [], failed, NOW)
    assert failed and "region" in failed[0]


def test_what_could_not_be_looked_at_is_neither_over_nor_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures, since, posts, said = tmp_path / "measures", tmp_path / "since.json", list[Any](), list[str]()
    measures.mkdir()
    (tmp_path / "mounts").write_text("")
    clock = [NOW]
    monkeypatch.setattr(run, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(run, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setattr(status, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(status, "note", functools.partial(status.note, since=since))
    monkeypatch.setattr(status, "look", functools.partial(status.look, since=since, notes=tmp_path / "notes"))
    told = functools.partial(ring.ring, path=tmp_path / "notices.json", post=lambda _url, one: posts.append(one))
    monkeypatch.setattr(ring, "ring", told)
    ends = metric("malleposte_certificate_end_seconds", "X", (NOW + 3600, {"name": "host"}))
    textfile.write(measures, "of-no-measure", [ends], NOW)
    given = settings.Settings(measures, (), (), pager="http://x")
    assert run.once(given, said.append) == ExitCode.DONE and [one["status"] for one in posts] == ["firing"]
    begun = since.read_text()
    broken = measures / "malleposte-x.prom"
    broken.write_text("not a metric\n")
    clock[0] += 60
    assert run.once(given, said.append) == ExitCode.FAILURE and "not a metric" in said[-1]
    assert len(posts) == 1 and since.read_text() == begun
    broken.unlink()
    textfile.write(measures, "of-no-measure", [], NOW)
    clock[0] += 60
    assert run.once(given, said.append) == ExitCode.DONE
    assert [one["status"] for one in posts] == ["firing", "resolved"] and since.read_text() == "{}"
