#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage units of systemd, also ones that only a deploy will bring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Manage units of systemd, also ones that only a deploy will bring
description:
  - Brings one unit, or several, to one state. systemd is asked once about all of them, and told once what to do with
    those that differ. M(ansible.builtin.systemd_service) takes four calls for each, and has systemd read all its files
    anew for each that it enables, which is most of the time that a first deploy would spend on a host.
  - systemd reads its files again first where something below /etc/systemd/system is younger than what it has read.
  - In check mode a unit that the host does not have yet is a change and no failure, so that a dry run over hosts of an
    earlier release reaches its end.
author: Malleposte (@malleposte)
options:
  name:
    description: The units, with their endings. With none of them systemd reads its files, and that is all.
    type: list
    elements: str
    required: true
  state:
    description: The state that each must have. One that does not run is started for V(restarted) and V(reloaded), too.
    type: str
    choices: [reloaded, restarted, started, stopped]
  enabled:
    description: Whether they start with the host.
    type: bool
  masked:
    description: Whether they must not start at all.
    type: bool
  no_block:
    description: Whether to go on before the jobs of systemd have ended.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would change.
    support: full
"""

EXAMPLES = r"""
- name: Start Unbound
  academie.malleposte.unit:
    name: unbound.service
    enabled: true
    state: started
"""

RETURN = r"""
done:
  description: What was done, or would be, a verb of systemctl(1) and its units each; with a new reading of the files.
  type: list
  elements: str
  returned: always
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule

SYSTEMCTL = "/usr/bin/systemctl"
UNITS = "/etc/systemd/system"
SHOWN = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")
RUNS = ("active", "activating", "reloading")
AT_START = ("enabled", "static", "generated")
"""Words of systemctl(1), `is-enabled`, for which there is nothing to enable."""
TICK = 0.005  # seconds: the clock of files may be one tick of the kernel behind that of processes

Unit = Mapping[str, str]
Wanted = Mapping[str, object]


def show(*words: str) -> str:
    """What `systemctl show` says."""
    return subprocess.run([SYSTEMCTL, "show", *words], capture_output=True, text=True, check=False).stdout


def look(names: Sequence[str]) -> dict[str, Unit]:
    """The properties of each unit; none where systemd says nothing."""
    blocks = show(f"--property={','.join(SHOWN)}", "--", *names).split("\n\n") if names else []
    found = [dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line) for block in blocks]
    return dict(zip(names, found + [{}] * (len(names) - len(found)), strict=True))


def read_at() -> float:
    """When systemd last began to read its files, in seconds since the epoch; 0 when it does not say."""
    stamp = show("--timestamp=us+utc", "--property=UnitsLoadTimestamp").strip().partition(" ")[2]
    try:
        return datetime.strptime(f"{stamp.removesuffix(' UTC')} +0000", "%Y-%m-%d %H:%M:%S.%f %z").timestamp()
    except ValueError:
        return 0.0


def youngest(folder: str) -> float:
    """When a file or folder below was last changed, by its status: a file that is moved in has a time of before."""
    newest = os.lstat(folder).st_ctime
    for entry in os.scandir(folder):
        newest = max(newest, youngest(entry.path) if entry.is_dir(follow_symlinks=False) else os.lstat(entry).st_ctime)
    return newest


def stale(found: Mapping[str, Unit]) -> bool:
    """Whether systemd has to read its files again."""
    return youngest(UNITS) + TICK >= read_at() or any(one.get("NeedDaemonReload") == "yes" for one in found.values())


def missing(found: Mapping[str, Unit], wanted: Wanted) -> list[str]:
    """The units that the host does not have, and that must be something else than masked."""
    known = ("loaded", "masked", "bad-setting", "error")
    asked = wanted["state"] is not None or wanted["enabled"] is not None
    return [name for name, unit in found.items() if asked and unit.get("LoadState") not in known]


def at_start(found: Mapping[str, Unit], wanted: Wanted) -> Iterator[tuple[str, list[str]]]:
    """The verbs that settle whether units may start and start with the host, each with the units that need it."""
    if wanted["masked"] is not None:
        for_mask = [name for name, unit in found.items() if (unit.get("LoadState") == "masked") != wanted["masked"]]
        yield "mask" if wanted["masked"] else "unmask", for_mask
    if wanted["enabled"]:
        yield "enable", [name for name, unit in found.items() if unit.get("UnitFileState") not in AT_START]
    elif wanted["enabled"] is not None:
        held = ("enabled", "enabled-runtime")
        yield "disable", [name for name, unit in found.items() if unit.get("UnitFileState") in held]


def now(found: Mapping[str, Unit], wanted: Wanted) -> Iterator[tuple[str, list[str]]]:
    """The verbs that settle how units are now, each with the units that need it."""
    running = [name for name, unit in found.items() if unit.get("ActiveState") in RUNS]
    resting = [name for name in found if name not in running]
    match wanted["state"]:
        case "stopped":
            yield "stop", [name for name, unit in found.items() if unit.get("ActiveState") not in ("inactive", "failed")]
        case "started":
            yield "start", resting
        case "restarted" | "reloaded" as state:
            yield "start", resting
            yield state.removesuffix("ed"), running


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["reloaded", "restarted", "started", "stopped"]},
            "enabled": {"type": "bool"},
            "masked": {"type": "bool"},
            "no_block": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted: Wanted = module.params
    names: list[str] = module.params["name"]
    done: list[str] = []

    def fail(message: str) -> NoReturn:
        module.fail_json(msg=message, changed=bool(done), done=done)
        raise AssertionError

    def tell(verb: str, units: Sequence[str] = (), *options: str) -> None:
        """Have systemd do it, where it is not to be rehearsed alone. `done` says so in either case."""
        if not module.check_mode:
            argv = [SYSTEMCTL, *options, verb, *(("--", *units) if units else ())]
            ran = subprocess.run(argv, capture_output=True, text=True, check=False)
            if ran.returncode:
                fail(f"systemctl {' '.join([verb, *units])}: {'; '.join(ran.stderr.strip().splitlines())}")
        done.append(" ".join([verb, *units]))

    if names and all(wanted[key] is None for key in ("state", "enabled", "masked")):
        fail(f"unit: say state, enabled or masked of {', '.join(names)}")
    found = look(names)
    read = stale(found)
    lacking = missing(found, wanted)
    if lacking and not module.check_mode:
        fail(f"the host has no {', '.join(lacking)}")
    for name in lacking:
        done.append(f"{name} is not on the host yet: the deploy would bring it")
        del found[name]
    for verb, units in at_start(found, wanted):
        if units:
            tell(verb, units, "--no-reload")
            read = True
    changed = bool(done)
    if read and not module.check_mode:
        tell("daemon-reload")
    for verb, units in now(found, wanted):
        if units:
            tell(verb, units, *(["--no-block"] if wanted["no_block"] else []))
            changed = True
    module.exit_json(changed=changed, done=done)


if __name__ == "__main__":
    main()
