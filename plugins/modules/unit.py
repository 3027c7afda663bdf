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
    description:
      - The state that each must have. One that does not run is started for V(restarted) and V(reloaded), too.
      - >-
        A socket cannot be restarted under a service that holds it. Where sockets are among the units for
        V(restarted), the services stop first, and start again after the sockets.
      - >-
        One that has failed, or that is tried again and again while it is to be V(restarted), is started afresh: systemd
        forgets the tries of before, which its limit of starts would count.
      - One that is starting runs once its start has ended well. V(started) and V(reloaded) wait for that, and fail
        where it fails.
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
  description: The acts that were done, or would be; of each the verb of systemctl(1) and its units.
  type: list
  elements: str
  returned: always
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.systemd import SYSTEMCTL, Unit, properties, stale

SHOWN = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")
RUNS, STARTS, RESTS = ("active", "activating", "reloading"), "activating", ("inactive", "failed")
AT_START = ("enabled", "static", "generated")
"""Words of systemctl(1), `is-enabled`, for which there is nothing to enable."""

Wanted = Mapping[str, object]


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
    to_stop = [name for name, unit in found.items() if unit.get("ActiveState") not in RESTS]
    sockets = [name for name in found if name.endswith(".socket")]
    # The tries of before may be those of a program that this deploy replaces, and would exhaust the limit of starts.
    tried = ("failed", STARTS) if wanted["state"] == "restarted" else ("failed",)
    if wanted["state"] in ("started", "restarted", "reloaded"):
        yield "reset-failed", [name for name, unit in found.items() if unit.get("ActiveState") in tried]
    match wanted["state"]:
        case "stopped":
            yield "stop", to_stop
        case "started":
            yield "start", resting
        case "restarted" if sockets:
            yield "stop", [name for name in to_stop if name not in sockets]
            yield "restart", sockets
            yield "start", [name for name in found if name not in sockets]
        case "restarted" | "reloaded" as state:
            yield "start", resting
            yield state.removesuffix("ed"), running


def awaited(found: Mapping[str, Unit], wanted: Wanted) -> list[str]:
    """The units whose start must end before they are in the state that is wanted."""
    if wanted["no_block"] or wanted["state"] not in ("started", "reloaded"):
        return []
    return [name for name, unit in found.items() if unit.get("ActiveState") == STARTS]


class Systemd:
    """Tells systemd what to do, where it is not to be rehearsed alone; `done` says so in either case."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.done: list[str] = []

    def fail(self, message: str) -> NoReturn:
        """End with a message, and with what was done before."""
        self.module.fail_json(msg=message, changed=bool(self.done), done=self.done)
        raise AssertionError

    def tell(self, verb: str, units: Sequence[str] = (), *options: str) -> None:
        """Call systemctl; what it refuses ends the module in its words."""
        words = [verb, *units]
        if not self.module.check_mode:
            argv = [SYSTEMCTL, *options, verb, *(("--", *units) if units else ())]
            ran = subprocess.run(argv, capture_output=True, text=True, check=False)
            if ran.returncode:
                self.fail(f"systemctl {' '.join(words)}: {'; '.join(ran.stderr.strip().splitlines())}")
        self.done.append(" ".join(words))

    def join(self, units: Sequence[str]) -> None:
        """Wait for a start that is under way, which is no act of this task; a start that fails ends the module."""
        done = list(self.done)
        self.tell("start", units)
        self.done = done

    def known(self, found: Mapping[str, Unit], wanted: Wanted) -> dict[str, Unit]:
        """The units that the host has. Others end the module, or are told of in a rehearsal."""
        if silent := " ".join(name for name, unit in found.items() if not unit):
            self.fail(f"systemd says nothing of {silent}: see `systemctl status {silent}`, then deploy again")
        lacking = missing(found, wanted)
        if lacking and not self.module.check_mode:
            self.fail(f"the host has no {', '.join(lacking)}")
        self.done += [f"{name} is not on the host yet: the deploy would bring it" for name in lacking]
        return {name: unit for name, unit in found.items() if name not in lacking}

    def bring(self, found: Mapping[str, Unit], wanted: Wanted) -> bool:
        """Bring units to a state; whether one of them changed."""
        read = stale(found)
        found = self.known(found, wanted)
        for verb, units in at_start(found, wanted):
            if units:
                self.tell(verb, units, "--no-reload")
                read = True
        changed = bool(self.done)
        if read and not self.module.check_mode:
            self.tell("daemon-reload")
        if joined := awaited(found, wanted):
            self.join(joined)
        for verb, units in now(found, wanted):
            if units:
                self.tell(verb, units, *(["--no-block"] if wanted["no_block"] else []))
                changed = True
        return changed


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
    systemd = Systemd(module)
    if names and all(wanted[key] is None for key in ("state", "enabled", "masked")):
        systemd.fail(f"unit: say state, enabled or masked of {', '.join(names)}")
    changed = systemd.bring(properties(names, *SHOWN), wanted)
    module.exit_json(changed=changed, done=systemd.done)


if __name__ == "__main__":
    main()
