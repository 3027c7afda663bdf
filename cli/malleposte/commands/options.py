"""Options that commands share."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from malleposte import paths

ENV_INVENTORY = "MALLEPOSTE_INVENTORY"
INVENTORY_WORDS: dict[str, Any] = {
    "metavar": "PATH",
    "envvar": ENV_INVENTORY,
    "help": f"Inventory: a path or a name. [default: ${ENV_INVENTORY}, else lab]",
}
"""The settings that every option --inventory has in common."""


def tell_inventory(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Callback: on the controller, name on standard error an inventory that was not typed."""
    if not paths.HOSTED and not context.resilient_parsing:
        source = context.get_parameter_source(option.name or "")
        if source is ParameterSource.ENVIRONMENT:
            click.echo(f"inventory: {value} (by {ENV_INVENTORY})", err=True)
        elif value is None:
            name = paths.shown(paths.LAB_INVENTORY)
            click.echo(f"inventory: {name} (by default; -i or {ENV_INVENTORY} names another)", err=True)
    return value


INVENTORY = click.option("-i", "--inventory", callback=tell_inventory, **INVENTORY_WORDS)
