"""Options that commands share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from malleposte.core import paths

ENV_INVENTORY = "MALLEPOSTE_INVENTORY"
INVENTORY_WORDS: dict[str, Any] = {
    "metavar": "PATH",
    "envvar": ENV_INVENTORY,
    "help": f"Inventory: a path or a name. [default: ${ENV_INVENTORY}, else lab]",
}
"""The settings that every option --inventory has in common."""


def lab_inventory() -> Path | None:
    """The inventory that the lab of the environment's prefix was given when it was made; None without such a lab."""
    prefix = os.environ.get(paths.ENV_PREFIX)
    folder = paths.labs() / prefix / "inventory" if prefix else None
    return folder if folder is not None and folder.is_dir() else None


def tell_inventory(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Callback: on the controller, name on standard error an inventory that was not typed.

    The default is that of the lab which the environment names, where it stands: no deploy of another lab by mistake.
    """
    if not paths.HOSTED and not context.resilient_parsing:
        own = lab_inventory() if value is None else None
        if own is not None:
            click.echo(f"inventory: {own} (the lab that the environment names)", err=True)
            return str(own)
        source = context.get_parameter_source(option.name or "")
        if source is ParameterSource.ENVIRONMENT:
            click.echo(f"inventory: {value} (by {ENV_INVENTORY})", err=True)
        elif value is None:
            name = paths.shown(paths.LAB_INVENTORY)
            click.echo(f"inventory: {name} (by default; -i or {ENV_INVENTORY} names another)", err=True)
    return value


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def answer(document: object, lines: Iterable[str], *, as_json: bool, indent: int | None = None) -> None:
    """Print the answer of a command: one JSON document, or its lines for a person, who reads of an empty list too."""
    shown = [json.dumps(document, ensure_ascii=False, indent=indent)] if as_json else lines
    for line in ["none"] if document == [] and not as_json else shown:
        click.echo(line)


INVENTORY = click.option("-i", "--inventory", callback=tell_inventory, **INVENTORY_WORDS)
