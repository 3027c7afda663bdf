"""A wrong inventory ends `deploy` in one line, before any host is contacted."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from malleposte.core.paths import ROOT

RIGHT = "right"
FACTS = "group_vars/malleposte/platform.yml"
LONG = {"wrong type", "duplicate port", "missing secret"}
"""The cases of a full run alone."""
CASES = {
    "misspelt key": (
        "malleposte_operators:",
        "malleposte_operator:",
        "malleposte_operator: no such variable; did you mean malleposte_operators?",
    ),
    "wrong type": (
        "  max_negative_ttl: 5",
        "  max_negative_ttl: [5]",
        "malleposte_dns.max_negative_ttl: a whole number is expected, not a list",
    ),
    "duplicate port": (
        "malleposte_online_filters: false",
        "base_ssh_port: 25",
        "base_ssh_port: port 25/tcp of mail1 is wanted by sshd and by postfix",
    ),
    "missing secret": (
        "  acme_directory: https://{{ lab_acme_name }}:14000/dir",
        "  source: files",
        "malleposte_tls.source: files: the secret secrets/tls-mail1.key is missing",
    ),
}


@dataclass(frozen=True)
class Tried:
    """The output of `malleposte deploy`, the calls of a recording `ssh`, and the inventory it was given."""

    done: subprocess.CompletedProcess[str]
    notes: str
    inventory: Path
    line: int


def configuration(site) -> dict[str, str]:
    """Names, times and modes of every configuration file of every host, as one digest a host."""
    words = "find /etc /usr/local /opt -printf '%p %T@ %C@ %m\\n' | sort | sha256sum"
    names = list(site.listing["_meta"]["hostvars"])
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(lambda name: site.run(name, words), names), strict=True))


def deploy(site, folder: Path, name: str) -> Tried:
    """Run `malleposte deploy` on a copy of the lab's inventory; wrong as the case says, or as it is."""
    inventory, tools, notes = folder / "inventory", folder / "tools", folder / "ssh.notes"
    shutil.copytree(site.folder, inventory)
    file, line = inventory / FACTS, 0
    if name in CASES:
        old, new, _said = CASES[name]
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
        line = text[: text.index(old)].count("\n") + 1
    tools.mkdir()
    (tools / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {notes}\nexit 255\n')
    (tools / "ssh").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "cli")}
    command = [sys.executable, "-m", "malleposte", "deploy", "-i", str(inventory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env)
    return Tried(done, notes.read_text() if notes.exists() else "", inventory, line)


@pytest.fixture(scope="module")
def tried(site, request, tmp_path_factory) -> dict[str, Tried]:
    """Every chosen case, and an inventory that is right where ssh reaches nobody, all at once; no host was touched."""
    before = configuration(site)
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = {item.callspec.params["name"] for item in here}
    names = [*(name for name in CASES if name in chosen), RIGHT]
    folders = [tmp_path_factory.mktemp("check") for _ in names]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(names, pool.map(lambda *one: deploy(site, *one), folders, names), strict=True))
    assert configuration(site) == before
    return found


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.full] * (one in LONG)) for one in CASES])
def test_a_wrong_inventory_touches_no_host(tried, name):
    one, said = tried[name], CASES[name][2]
    assert one.done.returncode == 2, one.done.stderr
    wanted = f"{one.inventory / FACTS}:{one.line}: {said}"
    assert any(line.startswith(wanted) for line in one.done.stderr.splitlines()), one.done.stderr
    assert one.done.stderr.splitlines()[-1].endswith("nothing was changed on any host")
    assert one.done.stdout == ""
    assert one.notes == "", "ssh was called"


def test_a_host_that_cannot_be_reached_ends_a_deploy_before_it_begins(tried):
    one = tried[RIGHT]
    assert one.done.returncode == 1, "that ssh reaches nobody"
    assert "vault2: cannot be reached" in one.done.stderr
    assert one.notes != ""


@pytest.mark.full
def test_the_lab_is_found_right(site):
    words = [sys.executable, "-m", "malleposte", "check", "-i", str(site.inventory), "--json"]
    done = subprocess.run(
        words, cwd=ROOT, env={"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert [one for one in report["findings"] if one["level"] in ("wrong", "failing")] == []
    assert {"mail1", "pia1", "vault1", "vault2", "world"} <= set(report["hosts"])
    assert done.returncode == 0
