"""Run the whole probe of an inventory: the paths seen from outside, and the state of the hosts' backups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import backups, facts, ship
from .model import Result


def walk(inventory: Path, only: Sequence[str] = (), limits: backups.Limits | None = None) -> Iterator[Result]:
    """Every path, or those named; results come as they are known. Raises FactsError, ShipError, InputError."""
    inside = [name for name in only if name.startswith(backups.PREFIX)]
    outside = [name for name in only if name not in inside]
    if outside or not only:
        site = facts.site(inventory)
        yield from ship.run(site.ssh, {"plan": site.plan, "only": outside})
    if inside or not only:
        yield from backups.walk(inventory, inside, limits)
