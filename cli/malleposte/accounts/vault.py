"""Files of secrets beside an inventory, on the controller: mode 0600, replaced whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

from malleposte.errors import InputError


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
    """Replace the table: written beside, on disk before the rename, so that a crash leaves the old or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(table, file, ensure_ascii=False, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
