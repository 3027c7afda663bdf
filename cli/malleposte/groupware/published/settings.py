"""The settings of the calendars on the host of the web (role calendars)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from malleposte.core.errors import MallepostError
from malleposte.groupware.published import model
from malleposte.runtime import settings

FILE = Path("/etc/malleposte/calendars.json")


@dataclass(frozen=True)
class Fixed:
    """A calendar that the inventory has: from the address `source`, or with `content` (iCalendar)."""

    name: str
    colour: str = model.COLOUR
    source: str = ""
    content: str = ""

    @property
    def ident(self) -> str:
        """Its identifier. Raises InputError."""
        return model.ident(self.name)


@dataclass(frozen=True)
class Settings:
    """`address` and `web` are the site and its folder; `base`, `bind_dn`, `uri` lead to the directory.

    `units` are the jobs of the engines, `fixed` the calendars of the inventory.
    """

    address: str
    web: Path
    base: str
    bind_dn: str
    uri: str
    units: tuple[str, ...]
    fixed: tuple[Fixed, ...] = ()

    @classmethod
    def read(cls, path: Path = FILE) -> Settings:
        """From its JSON file. Raises MallepostError."""
        if not path.exists():
            raise MallepostError(f"{path}: no calendars are published on this host", "deploy the role calendars")
        return settings.read(path, cls, "the calendars", "deploy the role calendars")
