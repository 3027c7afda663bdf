"""The settings of the watch on a host: `/etc/malleposte/watch.json` (role watch), which root alone reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError

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

    `pager` is the address of this host's pager where no vault watches; empty elsewhere.
    """

    folder: Path
    units: tuple[Unit, ...]
    measures: tuple[str, ...]
    pager: str = ""
    stores: Stores = Stores()


def of(raw: Mapping[str, Any]) -> Settings:
    """The settings of a JSON object. Raises KeyError or TypeError where it is none."""
    return Settings(
        Path(raw["folder"]), tuple(Unit(**one) for one in raw["units"]), tuple(raw["measures"]), raw["pager"]
    )


def read(path: Path = FILE) -> Settings:
    """The settings of this host. Raises InputError when there are none, OSError, ValueError."""
    try:
        return of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise InputError(f"no {path} on this host", "malleposte deploy writes it") from error
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the settings of the watch: {error}") from error
