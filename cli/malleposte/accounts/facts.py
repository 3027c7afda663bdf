"""The platform's facts as this host has them (role platform): no secret is among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.platform import profiles
from malleposte.policy.model import Policy, PolicyError

FILE = Path("/etc/malleposte/platform.json")


def read(path: Path | None = None) -> dict[str, Any]:
    """All of them. Raises InputError."""
    return profiles.facts(path or FILE)


def policy(path: Path | None = None) -> Policy:
    """The password policy. Raises InputError."""
    try:
        return Policy.from_mapping(read(path)["password_policy"])
    except (KeyError, TypeError, AttributeError, PolicyError) as error:
        raise InputError(f"{path or FILE}: no password policy ({error})", "deploy this host again") from error
