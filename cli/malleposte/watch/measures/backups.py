"""The archives of this host on each vault, as its runs noted them (malleposte.backup.archive.state)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from malleposte.backup.archive.state import State
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

FOLDER = Path("/var/lib/malleposte/backup")


def ages(vaults: Mapping[str, Any]) -> list[Metric]:
    """The metrics of a state's `vaults`. A source that was never archived has the time 0.

    A restore is proved on a vault when its last check, which restores a sample and compares, found no fault.
    """
    rows: list[tuple[float, Mapping[str, str]]] = []
    proved = []
    for vault, of_vault in sorted(vaults.items()):
        for source, entry in sorted(of_vault.get("sources", {}).items()):
            if "success" in entry or entry["attempt"]["state"] == "error":
                when = seconds(entry["success"]["start"]) if "success" in entry else 0.0
                rows.append((when, {"repository": f"{vault}/{source}"}))
        checked = of_vault.get("checked")
        if checked:
            proved.append(seconds(checked["end"]) if checked["ok"] else 0.0)
        elif "since" in of_vault:
            # The first check is due a week after the first archive: until then that one stands for it.
            proved.append(seconds(of_vault["since"]))
    text = "Begin of the last archive of a source on a vault, in seconds since 1970"
    last = metric("malleposte_backup_last_success_seconds", text, *rows)
    text = "Last restore of a sample on the vault that waits longest, in seconds since 1970"
    return [last, metric("malleposte_restore_last_proved_seconds", text, *([min(proved)] if proved else []))]


def seconds(stamp: str) -> float:
    """Return a time of the state, ISO 8601, in seconds since 1970."""
    return datetime.fromisoformat(stamp).timestamp()


def measure(_settings: Settings, _now: float, folder: Path = FOLDER) -> list[Metric]:
    """The archives of this host; nothing before its first run."""
    return ages(State(folder).read()["vaults"])
