# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that earlier changes of secrets left: ``secrets/rotation.json``, written by the command line.

Keys, all optional: ``digest_keys`` (names, oldest first; the last makes new digests), ``dkim`` (``from``: the selector
of the inventory that this goes on from, ``signing``, ``published``), ``under_way`` (secret -> file of the old one,
below the folder of the secrets: both are accepted where a daemon can accept two), ``ending`` (those of them whose new
one is in use everywhere, so that the old one is accepted no more), ``owed`` (keys that have a successor which no deploy
has brought to the hosts yet), ``since`` (secret -> date of its last change, for those that are changed at times).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

FILE = "rotation.json"
FIRST_KEY = "k1"


class RotationError(Exception):
    """The file cannot be read; the message names it."""


def read(folder: Path) -> dict[str, Any]:
    """The state in a folder of secrets; empty when nothing was ever changed."""
    path = folder / FILE
    try:
        state = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RotationError(f"{path} cannot be read: {error}") from error
    if not isinstance(state, dict):
        raise RotationError(f"{path} is not what `malleposte secrets rotate` writes")
    return state


def digest_keys(state: Mapping[str, Any]) -> list[str]:
    """Names of the keys of digests, the current one last."""
    return list(state.get("digest_keys") or [FIRST_KEY])


def dkim(state: Mapping[str, Any], selector: str) -> dict[str, Any]:
    """``signing``: the selector that signs; ``published``: those whose keys the DNS holds.

    ``selector`` is the inventory's: another one than this state goes on from puts it aside, and begins anew.
    """
    known = state.get("dkim") or {}
    if known.get("from") != selector:
        return {"signing": selector, "published": [selector]}
    return {"signing": known["signing"], "published": list(known["published"])}


def earlier_files(state: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Files (below the folder) of old secrets that are still accepted, by their name without ``prefix``."""
    ending = state.get("ending") or []
    under_way = (state.get("under_way") or {}).items()
    return {name.removeprefix(prefix): old for name, old in under_way if name.startswith(prefix) and name not in ending}


def earlier(state: Mapping[str, Any], folder: Path, prefix: str) -> dict[str, str]:
    """Old secrets that are still accepted, by their name without ``prefix``."""
    found = {}
    for name, old in earlier_files(state, prefix).items():
        try:
            found[name] = (folder / old).read_text("utf-8").strip()
        except OSError as error:
            raise RotationError(f"{folder / old}: {error.strerror}") from error
    return found


def since(state: Mapping[str, Any], folder: Path, name: str) -> date | None:
    """The day of a secret's last change, or else of its file; None when there is no such secret."""
    try:
        return date.fromisoformat(str((state.get("since") or {})[name]))
    except (KeyError, ValueError):
        path = folder / name
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date() if path.exists() else None
