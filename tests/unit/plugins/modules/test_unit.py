"""The unit module asks systemd once, and tells it once what to do with the units that are not as they must be."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import run_module

HOUR = 3600
SHOWN = {
    "runs.service": "loaded active enabled no",
    "starts.service": "loaded activating enabled no",
    "part.service": "loaded active static no",
    "off.service": "loaded inactive disabled no",
    "died.service": "loaded failed enabled no",
    "listens.socket": "loaded active enabled no",
    "off.socket": "loaded inactive disabled no",
    "hidden.service": "masked inactive masked no",
    "edited.service": "loaded active enabled yes",
    "gone.service": "not-found inactive  no",
}


class Host:
    """A host whose systemd is this test: what it shows, when it read its files, which verb it refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.units = folder / "system"
        (self.units / "runs.service.d").mkdir(parents=True)
        (self.units / "runs.service.d" / "malleposte.conf").write_text("[Service]\n")
        self.read_at = time.time() + HOUR
        self.refuses = ""
        self.silent = 0

    def __call__(self, *names: str, check: bool = False, **wanted: Any) -> tuple[dict[str, Any], list[str]]:
        """The module's result, and what systemd was told to do."""
        stamp = datetime.fromtimestamp(self.read_at, UTC).strftime("%a %Y-%m-%d %H:%M:%S.%f UTC")
        told = self.folder / "told"
        told.write_text("")
        before = f"""
import json, subprocess
from ansible_collections.academie.malleposte.plugins.module_utils import systemd
systemd.UNITS = {str(self.units)!r}
systemd.PAUSE = 0
silent = [""] * {self.silent}
shown = {SHOWN!r}
def run(argv, **_more):
    words, out, error = argv[1:], "", ""
    if "--timestamp=us+utc" in words:
        out = "UnitsLoadTimestamp={stamp}\\n"
    elif words[0] == "show":
        keys = "LoadState ActiveState UnitFileState NeedDaemonReload".split()
        blocks = [zip(keys, shown[name].split(" ")) for name in words[words.index("--") + 1:]]
        out = "\\n\\n".join("\\n".join("=".join(pair) for pair in block) for block in blocks) + "\\n"
        out = silent.pop() if silent else out
    else:
        print(json.dumps(" ".join(words)), file=open({str(told)!r}, "a"))
        error = "Job failed.\\nSee the journal.\\n" if {self.refuses!r} in words else ""
    return subprocess.CompletedProcess(argv, bool(error), out, error)
subprocess.run = run
"""
        result = run_module("unit", check=check, before=before, name=list(names), **wanted)
        return result, [json.loads(line) for line in told.read_text().splitlines()]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(
    "wanted",
    [{"state": "started"}, {"state": "started", "enabled": True}, {"enabled": True}, {"masked": False}],
)
def test_units_that_are_as_they_must_be_are_left_alone(host: Host, wanted: dict[str, Any]) -> None:
    found, told = host("runs.service", "part.service", **wanted)
    assert (found["changed"], found["done"], told) == (False, [], [])


def test_a_question_that_systemd_drops_is_asked_again(host: Host) -> None:
    host.silent = 2
    assert host("runs.service", "off.service", state="started")[1] == ["start -- off.service"]
    host.silent = 100
    found, told = host("runs.service", state="reloaded")
    assert found["msg"].startswith("systemd says nothing of runs.service: see `systemctl status runs.service`")
    assert told == []


@pytest.mark.parametrize("state", ["started", "reloaded"])
def test_a_start_that_is_under_way_is_joined_and_is_no_change(host: Host, state: str) -> None:
    found, told = host("starts.service", state=state)
    reload = ["reload starts.service"] if state == "reloaded" else []
    assert (found["changed"], found["done"]) == (bool(reload), reload)
    assert told == ["start -- starts.service", *(["reload -- starts.service"] if reload else [])]


def test_a_start_that_is_under_way_and_fails_fails_the_task(host: Host) -> None:
    host.refuses = "start"
    found, _told = host("starts.service", state="started")
    assert found["failed"]
    assert found["msg"] == "systemctl start starts.service: Job failed.; See the journal."


def test_nobody_waits_for_a_start_who_said_so(host: Host) -> None:
    assert host("starts.service", state="started", no_block=True)[1] == []
    assert host("starts.service", enabled=True)[1] == []
    assert host("starts.service", state="restarted", no_block=True)[1][-1] == "--no-block restart -- starts.service"


@pytest.mark.parametrize("name", ["died.service", "starts.service"])
def test_tries_of_a_former_program_do_not_count_against_a_restart(host: Host, name: str) -> None:
    assert host(name, "runs.service", state="restarted")[1][0] == f"reset-failed -- {name}"
    assert host("runs.service", "off.service", state="restarted")[1][0] == "start -- off.service"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"state": "started"}, ["reset-failed -- died.service", "start -- off.service died.service"]),
        ({"state": "stopped"}, ["stop -- runs.service"]),
        ({"state": "restarted"},
         ["reset-failed -- died.service", "start -- off.service died.service", "restart -- runs.service"]),
        ({"state": "reloaded"},
         ["reset-failed -- died.service", "start -- off.service died.service", "reload -- runs.service"]),
        ({"state": "stopped", "no_block": True}, ["--no-block stop -- runs.service"]),
        ({"enabled": True, "state": "started"},
         ["--no-reload enable -- off.service", "daemon-reload", "reset-failed -- died.service",
          "start -- off.service died.service"]),
        ({"enabled": False}, ["--no-reload disable -- runs.service died.service", "daemon-reload"]),
        ({"masked": True}, ["--no-reload mask -- runs.service off.service died.service", "daemon-reload"]),
    ],
)  # fmt: skip
def test_systemd_is_told_once_what_to_do_with_those_that_differ(
    host: Host, wanted: dict[str, Any], told: list[str]
) -> None:
    found, heard = host("runs.service", "off.service", "died.service", **wanted)
    assert (found["changed"], heard) == (True, told)
    assert found["done"] == [" ".join(word for word in one.split() if not word.startswith("--")) for one in told]


def test_sockets_restart_while_their_services_rest(host: Host) -> None:
    found, told = host("listens.socket", "runs.service", "off.service", "off.socket", state="restarted")
    steps = ["stop -- runs.service", "restart -- listens.socket off.socket", "start -- runs.service off.service"]
    assert (found["changed"], told) == (True, steps)
    assert host("listens.socket", state="restarted")[1] == ["restart -- listens.socket"]


def test_a_unit_that_was_masked_is_unmasked_enabled_and_started(host: Host) -> None:
    _found, told = host("hidden.service", masked=False, enabled=True, state="started")
    name = "-- hidden.service"
    assert told == [f"--no-reload unmask {name}", f"--no-reload enable {name}", "daemon-reload", f"start {name}"]


def test_files_younger_than_what_systemd_has_read_are_read_before_a_start(host: Host) -> None:
    host.read_at = time.time() - HOUR
    found, told = host("off.service", "runs.service", state="started")
    assert (found["changed"], told) == (True, ["daemon-reload", "start -- off.service"])
    found, told = host("runs.service", state="started")
    assert (found["changed"], told) == (False, ["daemon-reload"])


def test_files_that_systemd_has_read_are_not_read_again(host: Host) -> None:
    host.read_at = time.time() + 1
    assert host("runs.service", state="started")[1] == []


def test_a_file_that_is_moved_in_with_its_old_time_is_read(host: Host) -> None:
    os.utime(host.units / "runs.service.d" / "malleposte.conf", (0, 0))
    host.read_at = time.time() - HOUR
    assert host()[1] == ["daemon-reload"]


def test_a_unit_whose_file_systemd_itself_finds_changed_is_read(host: Host) -> None:
    assert host("edited.service", state="started")[1] == ["daemon-reload"]


def test_a_refusal_ends_it_with_the_words_of_systemd(host: Host) -> None:
    host.refuses = "start"
    found, told = host("off.service", enabled=True, state="started")
    assert found["msg"] == "systemctl start off.service: Job failed.; See the journal."
    assert (found["changed"], told[-1]) == (True, "start -- off.service")


def test_a_unit_that_the_host_does_not_have_fails_before_anything_is_done(host: Host) -> None:
    found, told = host("off.service", "gone.service", state="started")
    assert (found["failed"], found["msg"], told) == (True, "the host has no gone.service", [])


def test_a_dry_run_counts_what_is_to_come_as_a_change_and_tells_systemd_nothing(host: Host) -> None:
    host.read_at = time.time() - HOUR
    found, told = host("gone.service", "off.service", "runs.service", check=True, state="started")
    assert (found["changed"], told) == (True, [])
    assert found["done"] == ["gone.service is not on the host yet: the deploy would bring it", "start off.service"]
    found, told = host("runs.service", check=True, state="started")
    assert (found["changed"], found["done"], told) == (False, [], [])


def test_no_unit_needs_no_state_and_a_unit_does(host: Host) -> None:
    assert host()[0]["changed"] is False
    found, _told = host("runs.service")
    assert (found["failed"], found["msg"]) == (True, "unit: say state, enabled or masked of runs.service")
