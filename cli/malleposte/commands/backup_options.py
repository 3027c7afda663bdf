"""Options and types that the commands of `malleposte backup` share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from malleposte.commands.away import EachHostCommand
from malleposte.core.errors import InputError
from malleposte.fleet import remote

JSON = "malleposte.json"
"""The key under which a context notes that JSON was asked."""
VAULTS = "vault"
"""The inventory group of the vaults."""


class BackedUpCommand(EachHostCommand):
    """One on every host that sends archives."""

    def places(self, ctx: click.Context, inventory: Path) -> list[remote.Place]:
        """See EachHostCommand."""
        return remote.backed_up(inventory, only=self.hosts(ctx))


@dataclass(frozen=True)
class Moment:
    """A moment: `text` as it was typed, `at` as this host understands it (UTC).

    A date without an offset is one of the host that holds the archives: the controller sends it on as it was typed.
    """

    text: str
    at: datetime

    def __str__(self) -> str:
        """With the zone that it was understood in."""
        return f"{self.at.astimezone():%Y-%m-%d %H:%M:%S %Z (UTC%z)}"


def _moment(text: str, **end: int) -> Moment:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"not a date: {text!r}", "type it as 2026-03-14 or '2026-03-14 09:00'") from None
    if len(text) <= len("2026-03-14"):
        moment = moment.replace(**end)  # type: ignore[arg-type]
    return Moment(text, moment.astimezone(UTC))


def when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Moment | None:
    """A date as typed: `2026-03-14` (to its end), `2026-03-14 09:00`; the host's time zone unless it bears one."""
    return _moment(text, hour=23, minute=59, second=59) if text else None


def since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Moment | None:
    """The same, a day from its beginning."""
    return _moment(text) if text else None
