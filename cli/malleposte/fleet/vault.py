"""Files of secrets beside an inventory, on the controller: mode 0600, replaced whole or not at all."""

import json
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.runtime import durable


def read_text(path: Path) -> str:
    """A secret's text. Raises InputError when it is not there."""
    try:
        return path.read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise InputError(f"no secret {path}: {error.strerror}", "run `malleposte deploy` first") from error


def read_table(path: Path) -> dict[str, dict[str, Any]]:
    """A table of accounts by uid; empty when there is no file. Raises InputError when it is damaged."""
    try:
        table = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise InputError(f"{path} is not a table of accounts")
    return table


def write_table(path: Path, table: dict[str, dict[str, Any]]) -> None:
    """Replace the table: a crash leaves the old or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write(path, json.dumps(table, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
