"""The probe that a backup server walks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from malleposte.daemons import vault_probe
from malleposte.probe.walker import walk
from malleposte.watch import textfile

PLAN = {
    "domain": "ac-exemple.test", "mail": "mail.ac-exemple.test", "selector": "s1", "dmarc_policy": "reject",
    "accounts": [{"uid": f"probe-vault1-{one}", "mail": f"probe-vault1-{one}@ac-exemple.test", "password": "secret"}
                 for one in (1, 2)],
}  # fmt: skip


def task(folder: Path, monkeypatch: pytest.MonkeyPatch, holidays: str = "") -> vault_probe.Task:
    (folder / vault_probe.PLAN).write_text(json.dumps({"plan": PLAN, "holidays": holidays}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return vault_probe.read()


def test_each_run_has_a_token_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (task(tmp_path, monkeypatch).plan for _ in range(2))
    assert first.token != second.token
    assert first.vantage is None


def test_results_are_measures_and_what_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [
        {"name": "portal", "status": "ok", "ms": 120, "detail": ""},
        {"name": "caldav", "status": "failed", "ms": 2000, "detail": "HTTP 502"},
        {"name": "dns-mx", "status": "not tested", "ms": 0, "detail": "no name"},
    ]
    monkeypatch.setattr(walk, "side_by_side", lambda *_words: iter(results))
    assert vault_probe.run(task(tmp_path, monkeypatch), tmp_path) == 0
    values = textfile.read(tmp_path)
    ok = {one.labels["path"]: one.value for one in values["malleposte_probe_ok"]}
    assert ok == {"portal": 1.0, "caldav": 0.0}
    assert {one.value for one in values["malleposte_probe_seconds"]} == {0.12, 2.0}
    assert len(values["malleposte_probe_last_run_seconds"]) == 1
    assert "caldav: HTTP 502" in capsys.readouterr().err


def test_a_calendar_that_is_not_there_is_said_and_keeps_the_last_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(walk, "side_by_side", lambda *_words: iter(()))

    def refuse(*_words: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(vault_probe, "holiday", refuse)
    kept = textfile.path(tmp_path, vault_probe.HOLIDAYS)
    kept.write_text("malleposte_school_holiday 1\n")
    assert vault_probe.run(task(tmp_path, monkeypatch, "Vacances scolaires (zone B)"), tmp_path) == 0
    assert "school holidays: connection refused" in capsys.readouterr().err
    assert kept.exists()
    vault_probe.run(task(tmp_path, monkeypatch), tmp_path)
    assert not kept.exists()


def test_no_path_of_a_backup_server_needs_an_outside_or_a_page_s_password() -> None:
    assert {"colleague-587", "colleague-465", "caldav", "dns-mx", "portal"} <= set(walk.WATCHED)
    assert not {"foreign-to-agent", "submit-587", "relay", "gtube", "sso", "roundcube", "sogo", "sieve-filter"} & set(
        walk.WATCHED
    )
