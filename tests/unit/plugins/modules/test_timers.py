"""Timers that packages enabled without starting them are started by the deploy; a second one changes nothing."""

import json
from pathlib import Path
from typing import Any

from tests.support.modules import run_module

HOST = """
import json, subprocess
from pathlib import Path
known = Path({known!r})
def run(argv, **_more):
    words, units, out, error = argv[1:], json.loads(known.read_text()), "", ""
    if words[0] == "list-unit-files":
        out = "".join(f"{{name}} enabled enabled\\n" for name in [*units, "each@.timer"])
    elif words[0] == "show":
        keys = ("ActiveState", "ConditionResult", "ConditionTimestampMonotonic", "Unit")
        named = words[words.index("--") + 1:]
        for name in units:
            units[name] = [*units[name][:3], name.replace(".timer", ".service")]
        if any("LoadState" in word for word in words):
            keys, units = ("LoadState",), {{name: ["masked" if "masked" in name else "loaded"] for name in named}}
        out = "\\n\\n".join("\\n".join(f"{{k}}={{v}}" for k, v in zip(keys, units[name])) for name in named) + "\\n"
    else:
        assert words[:2] == ["start", "--"], words
        for name in words[2:]:
            units[name] = {{"logrotate.timer": ["active", "yes", "5"], "fstrim.timer": ["inactive", "no", "5"],
                           "broken.timer": ["failed", "yes", "5"]}}[name]
        error = "Job for broken.timer failed.\\n" if "broken.timer" in words else ""
        known.write_text(json.dumps(units))
    return subprocess.CompletedProcess(argv, bool(error), out, error)
subprocess.run = run
"""
RUNS, NEVER = ["active", "yes", "3"], ["inactive", "no", "0"]


def deploy(folder: Path, check: bool = False, **units: list[str]) -> dict[str, Any]:
    """The module on a host with some enabled timers; with none given, those of the last time."""
    known = folder / "units.json"
    if units:
        known.write_text(json.dumps({f"{name}.timer": unit for name, unit in units.items()}))
    return run_module("timers", check=check, before=HOST.format(known=str(known)))


def test_one_that_never_started_is_started_and_the_second_run_changes_nothing(tmp_path: Path) -> None:
    found = deploy(tmp_path, check=True, logrotate=NEVER, other=RUNS)
    assert (found["changed"], found["started"]) == (True, ["logrotate.timer"])
    found = deploy(tmp_path)
    assert (found["changed"], found["started"]) == (True, ["logrotate.timer"])
    found = deploy(tmp_path)
    assert (found["changed"], found["started"]) == (False, [])


def test_one_whose_condition_does_not_hold_rests_and_is_no_change(tmp_path: Path) -> None:
    assert not deploy(tmp_path, fstrim=NEVER)["changed"]
    assert not deploy(tmp_path)["changed"]


def test_one_whose_unit_is_masked_rests(tmp_path: Path) -> None:
    assert deploy(tmp_path, masked=NEVER, logrotate=NEVER)["started"] == ["logrotate.timer"]
    assert not deploy(tmp_path)["changed"]


def test_one_that_does_not_start_fails_by_name(tmp_path: Path) -> None:
    found = deploy(tmp_path, logrotate=NEVER, broken=NEVER)
    assert found["failed"]
    assert found["msg"] == ("broken.timer would not start: Job for broken.timer failed.; systemctl status broken.timer")
    assert found["started"] == ["logrotate.timer"]
