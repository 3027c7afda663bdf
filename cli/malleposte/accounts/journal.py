"""The journal of acts on accounts: JSON lines, appended, readable by root alone. No secret, no digest of one."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

SECRET = frozenset(
    {"userpassword", "mpnumendigest", "mpinacode", "mpinadigest", "mpsourcedigest", "mpdevicedigest", "mpenrolment"}
)
_HIDDEN = ["(not shown)"]
_SYNC_EVERY = 500


def shown(attributes: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Attributes as a journal may hold them."""
    return {name: _HIDDEN if name.lower() in SECRET else list(values) for name, values in attributes.items()}


class Journal:
    """An open journal. Use it as a context manager: what was written is on disk when it is left."""

    def __init__(self, path: Path, actor: str) -> None:
        """Open for appending; `actor` is who acts, such as `root@pc-dsi`."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file: IO[str] = os.fdopen(descriptor, "a", encoding="utf-8")
        self._actor = actor
        self._since = 0
        self.lines = 0
        """Written by this one."""

    def write(self, action: str, account: str, **facts: Any) -> None:
        """One line: time (UTC), who, what, whose account, and the facts given."""
        stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = {"time": stamp, "who": self._actor, "action": action, "account": account, **facts}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        self._since += 1
        self.lines += 1
        if self._since >= _SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Bring it to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._since = 0

    def __enter__(self) -> Journal:
        """The journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring it to the disk and close it."""
        self.sync()
        self._file.close()
