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

FACTS = "group_vars/malleposte/platform.yml"
RIGHT, WRONG = "malleposte_operators:", "malleposte_operator:"
"""A key of the facts, and the same misspelt."""


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


def deploy(site, folder: Path, key: str) -> Tried:
    """Run `malleposte deploy` on a copy of the lab's inventory with the key as it is given."""
    inventory, tools, notes = folder / "inventory", folder / "tools", folder / "ssh.notes"
    shutil.copytree(site.folder, inventory)
    text = (inventory / FACTS).read_text("utf-8")
    assert RIGHT in text
    (inventory / FACTS).write_text(text.replace(RIGHT, key), "utf-8")
    tools.mkdir()
    (tools / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {notes}\nexit 255\n')
    (tools / "ssh").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "cli")}
    command = [sys.executable, "-m", "malleposte", "deploy", "-i", str(inventory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env)
    line = text[: text.index(RIGHT)].count("\n") + 1
    return Tried(done, notes.read_text() if notes.exists() else "", inventory, line)


@pytest.fixture(scope="module")
def tried(site, tmp_path_factory) -> dict[str, Tried]:
    """The wrong inventory, and the right one where ssh reaches nobody, both at once; no host was touched."""
    before, keys = configuration(site), (WRONG, RIGHT)
    folders = [tmp_path_factory.mktemp("check") for _ in keys]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(keys, pool.map(lambda *one: deploy(site, *one), folders, keys), strict=True))
    assert configuration(site) == before
    return found


def test_a_wrong_inventory_touches_no_host(tried):
    one = tried[WRONG]
    assert one.done.returncode == 2, one.done.stderr
    wanted = f"{one.inventory / FACTS}:{one.line}: {WRONG} no such variable; did you mean malleposte_operators?"
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
