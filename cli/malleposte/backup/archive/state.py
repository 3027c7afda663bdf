"""The results of the last backup runs of this host: `last.json`, read by `backup list` and by the probe.

By vault: `sources` (by name: `success`, the last archive that was made, and `attempt`, the last try), `made` (archives
of the last weeks by id, which the vault is told), `checked`, and `since`, when this host first wrote there. All times
are UTC, ISO 8601; sizes are bytes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from malleposte.backup.vault.ledger import CLAIMED
from malleposte.platform import locks
from malleposte.runtime import durable, kit

FILE = "last.json"
LOCK = "run.lock"


class State:
    """The file `last.json` of a folder, replaced whole at every change."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()

    def read(self) -> dict[str, Any]:
        """Everything. Empty when there was no run, or the file is damaged: it can be made again."""

        def parsed(text: str) -> dict[str, Any]:
            document: dict[str, Any] = json.loads(text)
            document["vaults"].items()
            return document

        return kit.state(self.path, parsed) or {"vaults": {}}

    def record(self, vault: str, source: str, entry: dict[str, Any]) -> None:
        """A source's `attempt`, with `success` when there is one; the older success stays otherwise."""
        with self._lock:
            data = self.read()
            of_vault = data["vaults"].setdefault(vault, {})
            of_vault.setdefault("since", entry["attempt"]["end"])
            sources = of_vault.setdefault("sources", {})
            sources[source] = {**sources.get(source, {}), **entry}
            if "success" in entry:
                self._note(of_vault, entry["success"])
            self._write(data)

    @staticmethod
    def _note(of_vault: dict[str, Any], archive: Mapping[str, Any]) -> None:
        """Note the archives that were made there, for the backup server, as long as it is told of them."""
        if "repository" not in archive:
            return
        archives = of_vault.setdefault("made", {})
        archives[archive["id"]] = {key: archive[key] for key in ("repository", "start")} | {"name": archive["archive"]}
        oldest = (datetime.now(UTC) - timedelta(days=CLAIMED)).isoformat()
        of_vault["made"] = {key: one for key, one in archives.items() if one["start"] >= oldest}

    def ledger(self, vault: str) -> dict[str, Any]:
        """Archives that this host made there lately, by id."""
        archives: dict[str, Any] = self.read()["vaults"].get(vault, {}).get("made", {})
        return archives

    def keep(self, vaults: Iterable[str], names: Collection[str]) -> None:
        """Forget the sources of these vaults that this host has no more, such as a database that was dropped."""
        with self._lock:
            data = self.read()
            for of_vault in (data["vaults"][vault] for vault in vaults if vault in data["vaults"]):
                of_vault["sources"] = {name: one for name, one in of_vault.get("sources", {}).items() if name in names}
            self._write(data)

    def checked(self, vault: str, entry: dict[str, Any]) -> None:
        """Note the result of the last check of a backup server."""
        with self._lock:
            data = self.read()
            data["vaults"].setdefault(vault, {})["checked"] = entry
            self._write(data)

    def names(self) -> set[str]:
        """Every source that was tried."""
        return {name for of_vault in self.read()["vaults"].values() for name in of_vault.get("sources", {})}

    def has_archive(self, vault: str, source: str) -> bool:
        """Whether this host ever made an archive of a source there."""
        return "success" in self.read()["vaults"].get(vault, {}).get("sources", {}).get(source, {})

    def _write(self, data: dict[str, Any]) -> None:
        durable.write(self.path, json.dumps(data, indent=2, sort_keys=True))


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds this host's backups, so that two runs never meet. Raises MallepostError when another has them."""
    with locks.only_one(folder / LOCK, "another run of the backups is under way here"):
        yield
