"""The settings of the watch on a host: `/etc/malleposte/watch.json` (role watch), which root alone reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.runtime import settings

FILE = Path("/etc/malleposte/watch.json")


@dataclass(frozen=True)
class Unit:
    """A unit that must be active: the service of the manifest, and the alarm when it is not (`page` or `ticket`)."""

    name: str
    service: str
    rings: str


@dataclass(frozen=True)
class Stores:
    """The servers of Valkey on this host: their sockets by name, and a user who may ask for their counts alone."""

    sockets: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """The folder of the measures, the units to watch, the names of the measures to make.

    `pager` is the address of this host's pager where no vault watches; empty elsewhere. `state` is the folder in which
    the portal reads the state of this host where no vault watches, `region` the one of the measures that the region's
    supervision may read; empty for none.
    """

    folder: Path
    units: tuple[Unit, ...]
    measures: tuple[str, ...]
    pager: str = ""
    stores: Stores = Stores()
    state: str = ""
    region: str = ""


def read(path: Path = FILE) -> Settings:
    """Return the settings of this host. Raises InputError when there are none, or they are not of this form."""
    return settings.read(path, Settings, "the watch", "malleposte deploy writes it")
