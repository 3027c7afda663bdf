"""Root asks the daemon of this host what the reports show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from malleposte.core.errors import MallepostError
from malleposte.reports.summary import Figures, Summary
from malleposte.runtime import servers

SOCKET = Path("/run/malleposte-reports/asked.sock")
LOOK = "look at 'journalctl -u malleposte-reports' on that host"


def summary(days: int, source: str = "", path: Path = SOCKET) -> Summary:
    """Return what the reports of some days show, perhaps of one source. Raises InputError, MallepostError."""
    return _asked(Summary, path, "summary", {"days": days, "source": source})


def figures(path: Path = SOCKET) -> Figures:
    """Return the numbers for the watch. Raises InputError, MallepostError."""
    return _asked(Figures, path, "figures", {})


def _asked[T](kind: type[T], path: Path, act: str, words: dict[str, Any]) -> T:
    try:
        return msgspec.convert(servers.ask(path, act, words), kind)
    except FileNotFoundError as error:
        raise MallepostError(
            "no reports are read here", "docs/reports.md says which addresses they are read at"
        ) from error
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise MallepostError(f"the reports cannot be asked: {error}", LOOK) from error
