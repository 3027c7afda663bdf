"""The values of a run, kept in a file as each is measured: what ended early loses nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.core.loops import reason
from malleposte.runtime import durable

FOLDER = Path("var/bench")
Step = tuple[str, Any]
"""The name of a value, and the value."""


@dataclass
class Record:
    """The values by part. A part that is measured again takes the place of its values from before."""

    folder: Path
    """It has a file a part, so that two runs may measure different parts of one filled lab."""
    faults: list[str] = field(default_factory=list)

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """Return the values by part."""
        return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(self.folder.glob("*.json"))}

    def measure(self, part: str, steps: Iterable[Step]) -> None:
        """Keep and print each value as it comes; a part that fails is named, and the next ones are measured."""
        begun = time.monotonic()
        values: dict[str, Any] = {"begun": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
        try:
            for name, value in steps:
                self._keep(part, values, name, value)
        except Exception as error:  # noqa: BLE001  # hours of measurements do not end with one of them
            self.faults.append(f"{part}: {reason(error)}")
            self._keep(part, values, "fault", reason(error))
        self._keep(part, values, "part_seconds", round(time.monotonic() - begun))
        self._keep(part, values, "load", [round(one, 1) for one in os.getloadavg()])

    def _keep(self, part: str, values: dict[str, Any], name: str, value: Any) -> None:
        values[name] = value
        self.folder.mkdir(parents=True, exist_ok=True)
        durable.write(self.folder / f"{part}.json", json.dumps(values, ensure_ascii=False, indent=1))
        print(f"{part}: {name}: {json.dumps(value, ensure_ascii=False)}", file=sys.stderr, flush=True)


def commit() -> str:
    """Return the revision that is measured."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
