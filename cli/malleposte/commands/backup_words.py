"""Words that the commands of `malleposte backup` share."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from malleposte.errors import InputError

VAULTS = "vault"
"""The inventory group of the vaults."""


def _moment(text: str, **end: int) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"not a date: {text!r}", "type it as 2026-03-14 or '2026-03-14 09:00'") from None
    if len(text) <= len("2026-03-14"):
        given = given.replace(**end)  # type: ignore[arg-type]
    return given.astimezone(UTC)


def when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """A date as typed: `2026-03-14` (to its end), `2026-03-14 09:00`; the host's time zone unless it bears one."""
    return _moment(text, hour=23, minute=59, second=59) if text else None


def since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """The same, a day from its beginning."""
    return _moment(text) if text else None
