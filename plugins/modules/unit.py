#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage units of systemd, also ones that only a deploy will bring; ask systemd once for those that are as they must be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Manage units of systemd, also ones that only a deploy will bring
description:
  - The same as M(ansible.builtin.systemd_service), for one unit or several with the same state, in their order.
  - Systemd reads its files again first where something below /etc/systemd/system is younger than what it has read.
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
    description: The state that each must have.
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
stale:
  description: Whether systemd has to read its files again.
  type: bool
  returned: always
differing:
  description: Those of the units that are not as they must be, in the order given.
  type: list
  elements: str
  returned: always
msg:
  description: That the host does not have a unit yet.
  returned: in check mode, when it is so
  type: str
"""

# This part runs on the host and changes nothing. The action plugin of the same name has M(ansible.builtin.systemd_service)
# do what it finds lacking.

import os
import subprocess
from collections.abc import Iterator, Mapping

from ansible.module_utils.basic import AnsibleModule

SYSTEMCTL = "/usr/bin/systemctl"
UNITS = "/etc/systemd/system"
SHOWN = "LoadState,ActiveState,UnitFileState,NeedDaemonReload"
RUNS, RESTS = ("active", "activating", "reloading"), ("inactive", "failed")
AT_START, NEVER = ("enabled", "static", "generated"), ("disabled", "masked")
"""Words of systemctl(1), `is-enabled`, that need no second look; of others the module that acts decides."""


def show(*words: str) -> str:
    """What `systemctl show` says; nothing where it fails, so that the module that acts says why."""
    return subprocess.run([SYSTEMCTL, "show", *words], capture_output=True, text=True, check=False).stdout


def properties(names: list[str]) -> Iterator[Mapping[str, str]]:
    """Of each unit its properties, by name."""
    for block in show(f"--property={SHOWN}", "--", *names).split("\n\n"):
        yield dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)


def read_at() -> float:
    """When systemd last read its files, in whole seconds since the epoch; 0 when it does not say."""
    stamp = show("--timestamp=unix", "--property=UnitsLoadTimestamp").strip().partition("=@")[2]
    return float(stamp) if stamp else 0.0


def youngest(folder: str) -> float:
    """When a file or folder below was last changed, by its status: a file that is moved in has a time of before."""
    newest = os.lstat(folder).st_ctime
    for entry in os.scandir(folder):
        newest = max(newest, youngest(entry.path) if entry.is_dir(follow_symlinks=False) else os.lstat(entry).st_ctime)
    return newest


def right(wanted: Mapping[str, object], found: Mapping[str, str]) -> bool:
    """Whether a unit is as it must be; False where that is for the module that acts to tell."""
    load, active, at_start = (found.get(key, "") for key in SHOWN.split(",")[:3])
    if wanted["masked"] is not None and wanted["masked"] != (load == "masked"):
        return False
    if load != "loaded" and not (load == "masked" and wanted["masked"]):
        return False
    if wanted["enabled"] is not None and at_start not in (AT_START if wanted["enabled"] else NEVER):
        return False
    return wanted["state"] is None or active in {"started": RUNS, "stopped": RESTS}.get(str(wanted["state"]), ())


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
    names = module.params["name"]
    if names and all(module.params[key] is None for key in ("state", "enabled", "masked")):
        module.fail_json(msg=f"unit: say state, enabled or masked of {', '.join(names)}")
    found = list(properties(names)) if names else []
    found += [{}] * (len(names) - len(found))
    # Its clock has whole seconds: what was changed in the same one may not have been read.
    stale = youngest(UNITS) >= read_at() or any(one.get("NeedDaemonReload") == "yes" for one in found)
    differing = [name for name, one in zip(names, found, strict=True) if not right(module.params, one)]
    module.exit_json(changed=False, stale=stale, differing=differing)


if __name__ == "__main__":
    main()
