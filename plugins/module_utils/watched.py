# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch of the manifest's services: their measures, and what rings.

Of an entry's keys (see ``manifest.py``) ``watch`` is read here: ``{rings, paths, measures}``, or ``{none}``:

``rings``     the alarm when a unit of the service is not active: ``page`` calls a person at any hour, ``ticket`` waits
              for working hours
``paths``     names under which the host's port of measures hands on what the daemon says of itself (role watch); a name
              may be of several services
``measures``  names of measures of ours (``malleposte.watch``), made on the hosts of the service
``none``      the reason why nothing of it is measured, for a service without units
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .shapes import Check, ManifestError, among, check_shape, matching, text

Services = Mapping[str, Mapping[str, Any]]
RINGS = ("page", "ticket")
NAME = matching(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(NAME(one) for one in value)


WATCH: Mapping[str, Check] = {"rings": among(*RINGS), "paths": _names, "measures": _names, "none": text}


def check_watch(services: Services) -> None:
    """Refuses what is out of shape, and units that ring nobody. Raises ManifestError."""
    for name, service in services.items():
        if "watch" not in service:
            continue
        watch, where = service["watch"], f"service {name}: watch"
        check_shape(where, watch, WATCH)
        if "none" in watch and len(watch) > 1:
            raise ManifestError(f"{where}: none stands alone")
        if "none" in watch and service.get("units"):
            raise ManifestError(f"{where}: it has units; rings says which alarm a stopped one is")
        if "none" not in watch and service.get("units") and "rings" not in watch:
            raise ManifestError(f"{where}: rings is missing")


def watched(services: Services) -> dict[str, Any]:
    """Return what is watched of the services of one host: ``{units, paths, measures}``.

    ``units`` lists ``{name, service, rings}``, by name; paths and measures are sorted, each once.
    """
    units: dict[str, dict[str, str]] = {}
    for name, service in services.items():
        rings = service.get("watch", {}).get("rings")
        if rings:
            units |= {unit: {"name": unit, "service": name, "rings": rings} for unit in service.get("units", [])}

    def names(key: str) -> list[str]:
        return sorted({one for service in services.values() for one in service.get("watch", {}).get(key, [])})

    return {"units": [units[unit] for unit in sorted(units)], "paths": names("paths"), "measures": names("measures")}
