#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""See that units of systemd are active, and say what the ones that are not said last."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: See that units of systemd are active
description:
  - Waits for units that are about to start, and for those that systemd has started again a moment ago. Fails with each
    one that is not active, and the last line of its journal.
  - A service that its socket starts may rest, as long as it has not failed.
  - Changes nothing.
author: Malleposte (@malleposte)
options:
  name:
    description: The units, with their endings.
    type: list
    elements: str
    required: true
  patience:
    description: Seconds that a unit may take to start.
    type: int
    default: 120
attributes:
  check_mode:
    description: Looks as without it; a unit that is not there yet is no failure then.
    support: full
"""

EXAMPLES = r"""
- academie.malleposte.units:
    name: [slapd.service, dav-router.socket, dav-router.service]
"""

RETURN = r"""
dead:
  description: Units that are not active, each with its state and the last line of its journal.
  type: list
  elements: str
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.systemd import Unit, dead, properties, told

JOURNALCTL = "/usr/bin/journalctl"
PAUSE = 0.5  # seconds between two looks
STEADY = 10.0  # seconds for which one that systemd had to start again must run before it is believed
AGAIN = "restarting"
"""One that runs, and has not run for so long: between two deaths a unit is active, too."""


def state(fact: Unit, now: float) -> str:
    """The state of a unit in systemd's words; `now` is the clock that does not jump, in seconds."""
    active = fact.get("ActiveState", "inactive")
    began = int(fact.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    restarted = int(fact.get("NRestarts") or 0) > 0
    return AGAIN if active == "active" and restarted and now - began < STEADY else active


def look(names: list[str]) -> dict[str, tuple[str, str]]:
    """Of each unit whether it is loaded and how it is."""
    found = properties(names, "LoadState", "ActiveState", "NRestarts", "ActiveEnterTimestampMonotonic")
    now = time.monotonic()
    return {name: (fact.get("LoadState", "not-found"), state(fact, now)) for name, fact in found.items()}


def starting(found: dict[str, tuple[str, str]]) -> bool:
    """Whether one is on its way: a service that systemd starts again and again is, until the patience ends."""
    return any(active in ("activating", "deactivating", AGAIN) for _load, active in found.values())


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True},
            "patience": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    names = sorted(set(module.params["name"]))
    until = time.monotonic() + module.params["patience"]
    found = look(names)
    while starting(found) and time.monotonic() < until:
        time.sleep(PAUSE)
        found = look(names)
    wrong = dead(found)
    if module.check_mode:
        wrong = {name: state for name, state in wrong.items() if state != "not-found"}
    lines = []
    for name, state in wrong.items():
        last = told(JOURNALCTL, "--unit", name, "--lines=1", "--output=cat", "--no-pager").strip()
        lines.append(f"{name} is {state}" + (f": {last}" if last else ""))
    if lines:
        module.fail_json(msg="; ".join(lines), dead=lines)
    module.exit_json(changed=False, dead=[])


if __name__ == "__main__":
    main()
