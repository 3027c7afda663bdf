"""The agendas in Radicale's store, read by its user while devices write there: what goes meanwhile is none."""

from __future__ import annotations

from pathlib import Path

from malleposte.accounts.agendas.model import MAIN, Kind
from malleposte.accounts.agendas.radicale import OWN, PROPERTIES
from malleposte.runtime import owner

LARGEST = 1 << 20
"""Octets of an item that is read."""
_CONTACTS = OWN[Kind.CONTACTS, MAIN]


def listed(place: Path) -> list[Path]:
    """The contents of a folder, but for names that begin with a dot: those are Radicale's, for a moment."""
    try:
        return sorted(one for one in place.iterdir() if not one.name.startswith("."))
    except FileNotFoundError:
        return []


def homes(root: Path) -> list[Path]:
    """The folders of all agents."""
    return [one for one in listed(root) if owner.folder(one)]


def agendas(home: Path) -> list[Path]:
    """The collections of an agent, but for the address book that everybody has."""
    folders = listed(home) if owner.folder(home) else []
    return [one for one in folders if one.name != _CONTACTS and owner.folder(one) and owner.plain(one / PROPERTIES)]


def content(path: Path) -> str | None:
    """The text of an item; None for what is none, or too large. Raises OSError, UnicodeDecodeError."""
    try:
        if not owner.plain(path) or path.stat().st_size > LARGEST:
            return None
        return owner.read(path).decode("utf-8")
    except FileNotFoundError:
        return None
