"""Whether the units of the manifest are active, and when timers last began (systemctl(1))."""

from __future__ import annotations

import json
import time

from malleposte.runtime import systemd
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

RESTART = 10.0
"""Seconds after which a unit that was not active is looked at again: a restart is no fault."""


def active(settings: Settings) -> list[Metric]:
    """1 for each unit that is active, or rests behind its socket; 0 for one that failed, was stopped or is missing."""
    names = [unit.name for unit in settings.units]
    dead = _dead(names)
    if dead:
        time.sleep(RESTART)
        dead &= _dead(names)
    rows = [
        (float(unit.name not in dead), {"name": unit.name, "service": unit.service, "rings": unit.rings})
        for unit in settings.units
    ]
    return [metric("malleposte_unit_active", "Whether a unit that must be active on this host is", *rows)]


def _dead(names: list[str]) -> set[str]:
    properties = systemd.properties(names, "LoadState", "ActiveState")
    states = {
        name: (one.get("LoadState", "not-found"), one.get("ActiveState", "inactive"))
        for name, one in properties.items()
    }
    return set(systemd.dead(states))


def timers(settings: Settings) -> list[Metric]:
    """The last start of each timer of the manifest, in seconds since 1970; none for one that never began."""
    names = {unit.name for unit in settings.units}
    # `show --timestamp=unix` writes this time in words all the same (systemd 257).
    listed = json.loads(systemd.told(systemd.SYSTEMCTL, "list-timers", "--all", "--output=json"))
    rows = [(one["last"] / 1e6, {"name": one["unit"]}) for one in listed if one["unit"] in names and one["last"]]
    return [metric("malleposte_timer_last_seconds", "Last start of a timer, in seconds since 1970", *rows)]
