"""Progress: the record of a run, and the callback over a real run on this machine."""

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.callback import progress
from ansible_collections.academie.malleposte.plugins.plugin_utils import run_record
from malleposte.core.progress import Progress, duration
from malleposte.fleet import playbook

from tests.support.clock import Clock

HOSTS = "all: {hosts: {a: {ansible_connection: local}, b: {ansible_connection: local}}}"
PLAY = """
- name: Trial
  hosts: all
  gather_facts: false
  tasks:
    - name: Change
      ansible.builtin.command: echo visible
      changed_when: true
    - name: Hide
      ansible.builtin.command: echo {secret}
      no_log: true
      changed_when: false
    - name: Fail
      ansible.builtin.command: sh -c 'echo because >&2; exit 4'
      changed_when: false
      when: inventory_hostname == 'b'
    - name: Hide a failure
      ansible.builtin.command: sh -c 'echo {secret} >&2; exit 5'
      no_log: true
      changed_when: false
"""


@pytest.mark.parametrize("say", [duration, run_record.duration])
def test_durations(say: Callable[[float], str]) -> None:
    assert [say(s) for s in (0.44, 9.96, 59.4, 185)] == ["0.4 s", "10 s", "59 s", "3 min 05 s"]
    assert duration(3720) == "1 h 02 min"


def test_a_segment_ends_when_another_role_begins() -> None:
    clock = Clock(100.0)
    record = run_record.RunRecord(clock)
    record.start_play("Mail")
    assert record.start_task("postfix") is None
    record.add("mail1", "changed", "Configure")
    record.add("mx2", "ok", "Configure")
    clock.now = 108.0
    assert record.start_task("postfix") is None
    ended = record.start_task("dovecot")
    assert ended is not None
    assert ended.line(8).split() == "[ 8 s] postfix mail1,mx2 8.0 s 2 ok, 1 changed".split()
    assert record.end_segment() is None, "nothing ran"
    assert record.changes == [{"host": "mail1", "role": "postfix", "task": "Configure"}]
    assert record.summary({})["roles"][0]["seconds"] == 8.0


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "bad\n  thing"}, "bad thing"),
        ({"msg": "non-zero return code", "stderr": "a\nreason\n\n"}, "non-zero return code: reason"),
        ({"msg": "failed: reason", "stderr": "reason"}, "failed: reason"),
        ({}, "no message"),
        (
            {"censored": "hidden", "msg": "s3cret"},
            "the details are hidden, since the task handles secrets; to see it, run again with -e acme_no_log=false",
        ),
    ],
)
def test_a_failure_is_one_line(result: dict[str, Any], message: str) -> None:
    assert run_record.failure_message(result, "acme") == message


def test_the_table() -> None:
    lines = run_record.table({"b": {"ok": 3, "changed": 1}, "a": {"failed": 2}}, 61)
    assert [line.split()[0] for line in lines] == ["host", "a", "b", "total"]
    assert lines[-1] == "total time 1 min 01 s"


def test_steps_are_lines_with_the_elapsed_time() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with progress.step("work"):
        pass
    Progress(out, quiet=True).say("nothing")
    assert out.getvalue() == "[  0 s] work\n"


@pytest.mark.parametrize("linear", [True, pytest.param(False, marks=pytest.mark.full)])
def test_a_real_run(
    linear: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "correct-horse"
    (tmp_path / "play.yml").write_text(PLAY.format(secret=secret))
    (tmp_path / "hosts.yml").write_text(HOSTS)
    monkeypatch.setattr(playbook, "VAR", tmp_path)
    monkeypatch.setattr("malleposte.core.paths.LOG_DIR", tmp_path / "log")
    report = playbook.run(playbook.Options(tmp_path / "hosts.yml", tmp_path / "play.yml", linear=linear))
    screen = capsys.readouterr().out

    assert report.code == 2
    assert report.summary["hosts"]["a"]["changed"] == 1
    assert report.changed == 2
    reason = "The command exited with a non-zero return code: because"
    assert report.cause == f"b: play: Fail: {reason} (and 1 more)"
    assert f"FAILED b · play · Fail: {reason}" in screen
    assert "FAILED a · play · Hide a failure: the details are hidden" in screen
    assert screen.rstrip().splitlines()[-1].startswith("total time ")
    log = report.log.read_text()
    assert "visible" in log
    assert secret not in log
    assert secret not in screen
    assert stat.S_IMODE(report.log.stat().st_mode) == 0o600
    assert json.loads(report.log.with_suffix(".json").read_text()) == dict(report.summary)


RESCUED = """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - name: Ask
          ansible.builtin.fail: {msg: see the journal}
      rescue:
        - name: Say why
          ansible.builtin.fail: {msg: nobody answers}
"""


def test_the_cause_is_the_last_word_of_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "play.yml").write_text(RESCUED)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {a: {ansible_connection: local}}}")
    monkeypatch.setattr(playbook, "VAR", tmp_path)
    monkeypatch.setattr("malleposte.core.paths.LOG_DIR", tmp_path / "log")
    report = playbook.run(playbook.Options(tmp_path / "hosts.yml", tmp_path / "play.yml", linear=True), to_stderr=True)
    assert report.cause == "a: play: Say why: nobody answers"


def test_a_playbook_that_cannot_be_read_has_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "play.yml").write_text("- hosts: all\n  tasks: [{nonsense: {}}]\n")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {a: {ansible_connection: local}}}")
    monkeypatch.setattr(playbook, "VAR", tmp_path)
    monkeypatch.setattr("malleposte.core.paths.LOG_DIR", tmp_path / "log")
    report = playbook.run(playbook.Options(tmp_path / "hosts.yml", tmp_path / "play.yml", linear=True), to_stderr=True)
    assert report.code != 0
    assert "nonsense" in report.cause
    assert "play.yml:2" in report.cause
    assert "nonsense" in report.log.read_text()


def test_a_task_that_waits_says_so_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(100.0)
    monkeypatch.setattr(progress, "RunRecord", lambda: run_record.RunRecord(clock))
    monkeypatch.setattr(progress.CallbackModule, "get_option", lambda _self, _name: False)
    callback = progress.CallbackModule()
    host = SimpleNamespace(get_name=lambda: "mail1")
    task = SimpleNamespace(_uuid="1", action="command", name="Wait for it")
    callback.v2_runner_on_start(host, task)
    for _ in range(40):
        clock.now += 2
        callback.v2_runner_retry(SimpleNamespace(host=host, task=task, result={"attempts": 1}))
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "waiting mail1 · play · Wait for it: for 30 s",
        "waiting mail1 · play · Wait for it: for 60 s",
    ]
