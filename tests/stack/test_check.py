"""A wrong inventory ends `deploy` in one line, before any host is so much as spoken to."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from malleposte.paths import ROOT

FACTS = "group_vars/malleposte/platform.yml"
CASES = {
    "misspelt key": (
        "malleposte_hostnames:",
        "malleposte_hostname:",
        "malleposte_hostname: no such variable; did you mean malleposte_hostnames?",
    ),
    "wrong type": (
        "  message_size_mb: 50",
        "  message_size_mb: [50]",
        "malleposte_mail.message_size_mb: a whole number is expected, not a list",
    ),
    "duplicate port": (
        "malleposte_antivirus: false",
        "base_ssh_port: 25",
        "base_ssh_port: port 25/tcp of mail1 is wanted by sshd and by postfix",
    ),
    "missing secret": (
        "  source: acme",
        "  source: files",
        "malleposte_tls.source: files: the secret secrets/tls-mail1.key is missing",
    ),
}


@pytest.fixture
def inventory(site, tmp_path) -> Path:
    """A copy of the lab's inventory."""
    copy = tmp_path / "inventory"
    shutil.copytree(site.folder, copy)
    return copy


@pytest.fixture
def deploy(inventory, tmp_path):
    """Runs `malleposte deploy` where `ssh` only takes notes; gives its outcome and the notes."""
    tools = tmp_path / "tools"
    tools.mkdir()
    notes = tmp_path / "ssh.notes"
    (tools / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {notes}\nexit 255\n')
    (tools / "ssh").chmod(0o755)

    def call(*words: str) -> tuple[subprocess.CompletedProcess[str], str]:
        env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "cli")}
        command = [sys.executable, "-m", "malleposte", "deploy", "-i", str(inventory), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env)
        return done, notes.read_text() if notes.exists() else ""

    return call


def configuration(site) -> dict[str, str]:
    """Names, times and modes of every configuration file of every host, as one digest a host."""
    words = "find /etc /usr/local /opt -printf '%p %T@ %C@ %m\\n' | sort | sha256sum"
    names = list(site.listing["_meta"]["hostvars"])
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(lambda name: site.run(name, words), names), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_inventory_touches_no_host(site, inventory, deploy, name):
    old, new, said = CASES[name]
    file = inventory / FACTS
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    line = text[: text.index(old)].count("\n") + 1
    before = configuration(site)

    done, notes = deploy()

    assert done.returncode == 2, done.stderr
    assert f"{file}:{line}: {said}" in done.stderr.splitlines()
    assert done.stderr.splitlines()[-1].endswith("nothing was changed on any host")
    assert done.stdout == ""
    assert notes == "", "ssh was called"
    assert configuration(site) == before


def test_a_host_that_cannot_be_reached_ends_a_deploy_before_it_begins(site, deploy):
    before = configuration(site)
    done, notes = deploy()
    assert done.returncode == 1, "that ssh reaches nobody"
    assert "vault2: cannot be reached" in done.stderr
    assert notes != ""
    assert configuration(site) == before


def test_the_lab_is_found_right(site):
    words = [sys.executable, "-m", "malleposte", "check", "-i", str(site.inventory), "--json"]
    done = subprocess.run(
        words, cwd=ROOT, env={"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert [one for one in report["findings"] if one["level"] in ("wrong", "failing")] == []
    assert {"mail1", "pia1", "vault1", "vault2", "world"} <= set(report["hosts"])
    assert done.returncode == 0
