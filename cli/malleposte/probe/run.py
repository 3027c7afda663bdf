"""Run the whole probe of an inventory: the paths seen from outside, the hosts' backups and their security updates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import backups, facts, ship, updates
from .model import Result


def walk(inventory: Path, only: Sequence[str] = (), limits: backups.Limits | None = None) -> Iterator[Result]:
    """Every path, or those named; results come as they are known. Raises FactsError, ShipError, InputError."""
    rest = [name for name in only if name != updates.NAME]
    if rest or not only:
        yield from services(inventory, rest, limits)
    if updates.NAME in only or not only:
        yield updates.walk(inventory)


def services(inventory: Path, only: Sequence[str] = (), limits: backups.Limits | None = None) -> Iterator[Result]:
    """The same without the updates that wait, which are no reason not to begin an upgrade."""
    inside = [name for name in only if name.startswith(backups.PREFIX)]
    outside = [name for name in only if name not in inside]
    if outside or not only:
        site = facts.site(inventory)
        yield from ship.run(site.ssh, {"plan": site.plan, "only": outside})
    if inside or not only:
        yield from backups.walk(inventory, inside, limits)
