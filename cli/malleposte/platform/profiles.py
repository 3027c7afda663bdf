"""The classes of service of this platform, from the facts that a host has (role platform, no secret among them)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.platform.classes import Class, ClassError, Classes

FILE = Path("/etc/malleposte/platform.json")


def parse(table: object, where: str) -> Classes:
    """From the fact `malleposte_profiles`. Raises InputError, which begins with `where`."""
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: no classes of service", "deploy this host again")
    try:
        return Classes.parse(table)
    except ClassError as error:
        raise InputError(f"{where}: {'.'.join(('malleposte_profiles', *error.path))}: {error}") from error


def facts(path: Path) -> dict[str, Any]:
    """The platform's facts as a host has them. Raises InputError."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "deploy this host first") from error
    except ValueError as error:
        raise InputError(f"{path}: not the platform's facts ({error})", "deploy this host again") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: not the platform's facts", "deploy this host again")
    return document


def read(path: Path | None = None) -> Classes:
    """Those of this host. Raises InputError."""
    path = path or FILE
    return parse(facts(path).get("profiles"), str(path))


def class_called(classes: Classes, name: str) -> Class:
    """A class by its name. Raises InputError that names those there are."""
    if name not in classes:
        raise InputError(f"no class {name!r}", f"known are {', '.join(sorted(classes))}")
    return classes[name]


def labels(language: str) -> dict[str, str]:
    """Return the labels of this host's classes for agents, `fr` or `en`: the label, or the name without one."""
    return {name: one.label.get(language, name) for name, one in read().items()}
