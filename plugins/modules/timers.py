#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the timers of a host that start with it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: timers
short_description: Start the timers of a host that start with it
description:
  - Starts every enabled timer that does not run, as the next boot would. A package that was installed while its scripts
    might start nothing leaves its timers enabled and resting.
  - A timer whose conditions the host does not meet rests, and is no change.
author: Malleposte (@malleposte)
options: {}
attributes:
  check_mode:
    description: Reports which would be started.
    support: full
"""

EXAMPLES = r"""
- academie.malleposte.timers:
"""

RETURN = r"""
started:
  description: The timers that were started, or would be.
  type: list
  elements: str
  returned: always
"""

import subprocess

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.systemd import SYSTEMCTL, Unit, properties, told

SHOWN = ("ActiveState", "ConditionResult", "ConditionTimestampMonotonic", "Unit")
STATES = "--state=enabled,enabled-runtime"


def enabled() -> list[str]:
    """The timers that start with the host; templates are none, their instances are."""
    listed = told(SYSTEMCTL, "list-unit-files", "--type=timer", STATES, "--no-legend", "--plain", "--no-pager")
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return [name for name in names if "@." not in name]


def resting(names: list[str]) -> dict[str, Unit]:
    """Those of them that do not run."""
    return {name: unit for name, unit in properties(names, *SHOWN).items() if unit.get("ActiveState") != "active"}


def unmet(unit: Unit) -> bool:
    """Whether systemd has tried it, and a condition did not hold."""
    tried = unit.get("ConditionTimestampMonotonic", "0") != "0"
    return unit.get("ActiveState") == "inactive" and tried and unit.get("ConditionResult") == "no"


def idle(timers: dict[str, Unit]) -> set[str]:
    """Return the timers whose unit must not start at all: systemd refuses to start these (systemd.timer(5), Unit=)."""
    units = {unit["Unit"] for unit in timers.values() if unit.get("Unit")}
    masked = {
        name for name, unit in properties(sorted(units), "LoadState").items() if unit.get("LoadState") == "masked"
    }
    return {name for name, unit in timers.items() if unit.get("Unit") in masked}


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    before = resting(enabled())
    rest = idle(before)
    wanted = [name for name, unit in before.items() if name not in rest and not unmet(unit)]
    if module.check_mode or not wanted:
        module.exit_json(changed=bool(wanted), started=wanted)
    ran = subprocess.run([SYSTEMCTL, "start", "--", *wanted], capture_output=True, text=True, check=False)
    after = resting(wanted)
    started = [name for name in wanted if name not in after]
    wrong = [name for name, unit in after.items() if not unmet(unit)]
    if wrong:
        why = "; ".join(ran.stderr.strip().splitlines()) or "it rests again at once"
        message = f"{', '.join(wrong)} would not start: {why}; systemctl status {wrong[0]}"
        module.fail_json(msg=message, changed=bool(started), started=started)
    module.exit_json(changed=bool(started), started=started)


if __name__ == "__main__":
    main()
