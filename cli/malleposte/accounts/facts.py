"""The platform's facts as this host has them (role platform): no secret is among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.policy.model import Policy, PolicyError

FILE = Path("/etc/malleposte/platform.json")


def read(path: Path | None = None) -> dict[str, Any]:
    """All of them. Raises InputError."""
    path = path or FILE
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "deploy this host first") from error
    except ValueError as error:
        raise InputError(f"{path}: not the platform's facts ({error})", "deploy this host again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: not the platform's facts", "deploy this host again")
    return found


def policy(path: Path | None = None) -> Policy:
    """The password policy. Raises InputError."""
    try:
        return Policy.from_mapping(read(path)["password_policy"])
    except (KeyError, TypeError, AttributeError, PolicyError) as error:
        raise InputError(f"{path or FILE}: no password policy ({error})", "deploy this host again") from error
