"""Counts of accountd that a restart takes over, as after a deploy that changed its program.

They lie in the unit's folder below /run, so that nothing of them reaches a disk and a restart of the host ends them:
their ends are times of a clock that begins anew there (CLOCK_MONOTONIC).
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from malleposte.runtime import owner
from malleposte.throttle.limits import Limits

LOG = logging.getLogger("accountd")
FILE = "limits.json"


def folder() -> Path | None:
    """The unit's folder below /run; None outside a unit, where nothing is taken over."""
    path = os.environ.get("RUNTIME_DIRECTORY")
    return Path(path) if path else None


def put(place: Path | None, limits: Limits) -> None:
    """Leave the counts for the next start. What cannot be left is logged."""
    if place is None:
        return
    try:
        owner.replace(place / FILE, json.dumps(limits.left()))
    except OSError as error:
        LOG.error("counts are not taken over: %s", error)


def take(place: Path | None, limits: Limits) -> None:
    """Go on from the counts that were left, once. Where there are none, or none that can be read, all begin at 0."""
    if place is None:
        return
    try:
        left = (place / FILE).read_text("utf-8")
        (place / FILE).unlink()
        limits.go_on(json.loads(left))
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        LOG.error("counts are not taken over: %s", type(error).__name__)
