"""The platform's facts as this host has them (role platform): no secret is among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from malleposte.errors import InputError
from malleposte.policy.model import Policy, PolicyError

FILE = Path("/etc/malleposte/platform.json")


def read(path: Path = FILE) -> dict[str, Any]:
    """All of them. Raises InputError."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}", "deploy again") from error
    return found


def policy(path: Path = FILE) -> Policy:
    """The password policy. Raises InputError."""
    try:
        return Policy.from_mapping(read(path)["password_policy"])
    except (KeyError, TypeError, PolicyError) as error:
        raise InputError(f"{path}: no password policy ({error})", "deploy again") from error
