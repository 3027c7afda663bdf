"""vobject, in which the zones that a calendar describes (VTIMEZONE) are those of that calendar alone.

vobject 0.9 keeps one table of zones for its process, in which the first description of a name stays. It would
set the times of all calendars that name that zone and are read later, and names would fill the memory.
"""

from __future__ import annotations

import functools
import importlib
import threading
from types import ModuleType
from typing import Any

TABLE = "__tzidMap"
"""vobject's name for its table, which its functions look up by `get` and fill by assignment."""


class Zones(threading.local):
    """The zones of the calendar that a thread read last; that calendar is written with them, too."""

    def __init__(self, common: dict[str, Any]) -> None:
        """Take the zones that every calendar has: UTC."""
        self.common = common
        self.described: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """Return the zone of that name, None where there is none."""
        return self.described.get(name) or self.common.get(name)

    def __setitem__(self, name: str, zone: Any) -> None:
        """Keep a zone until the next calendar."""
        self.described[name] = zone


@functools.cache
def vobject() -> ModuleType:
    """Return the package, with a table of zones that each calendar begins anew."""
    icalendar = importlib.import_module("vobject.icalendar")
    component = importlib.import_module("vobject.base").Component
    zones = Zones({"UTC": vars(icalendar)[TABLE]["UTC"]})
    setattr(icalendar, TABLE, zones)
    read_children = component.transformChildrenToNative

    def transform_children(self: Any) -> None:
        if self.name == "VCALENDAR":
            zones.described = {}
        read_children(self)

    component.transformChildrenToNative = transform_children
    return importlib.import_module("vobject")
