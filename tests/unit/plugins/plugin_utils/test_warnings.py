"""A deploy over mitogen: what it prints is about the platform alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from malleposte.core.paths import ROOT, VENV_BIN
from malleposte.core.run import environment
from malleposte.fleet.playbook import CALLBACK, strategy_environment

PLAY = """\
- hosts: localhost:internet
  gather_facts: false
  tasks:
    - academie.malleposte.installed:
    - ansible.builtin.command: {cmd: sleep 1}
      async: 60
      poll: 0
      register: begun
    - ansible.builtin.async_status: {jid: "{{ begun.ansible_job_id }}"}
      register: ended
      until: ended.finished
      retries: 600
      delay: 0.1
    - ansible.builtin.assert:
        that: [begun.finished is false, ended.finished is true, ended.rc == 0]
"""


def test_no_warning_of_our_modules_of_the_background_and_of_a_missing_group(tmp_path: Path) -> None:
    play, inventory, summary = tmp_path / "play.yml", tmp_path / "hosts.yml", tmp_path / "summary.json"
    play.write_text(PLAY, "utf-8")
    inventory.write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n", "utf-8")
    strategy = strategy_environment(linear=False)
    assert strategy["ANSIBLE_STRATEGY"] == "mitogen_linear"
    env = environment(strategy) | {
        "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_STDOUT_CALLBACK": CALLBACK,
        "MALLEPOSTE_LOG_FILE": str(tmp_path / "log"), "MALLEPOSTE_SUMMARY_FILE": str(summary), "MALLEPOSTE_LIVE": "0",
    }  # fmt: skip
    words = [str(VENV_BIN / "ansible-playbook"), "-i", str(inventory), str(play)]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    assert not json.loads(summary.read_text("utf-8")).get("failures")
