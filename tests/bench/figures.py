"""The result of a measurement: one JSON object and one row for docs/benchmarks.md, with the machine named."""

import json
import os
import platform
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def _machine(cpuinfo: Path = Path("/proc/cpuinfo"), meminfo: Path = Path("/proc/meminfo")) -> str:
    """The controller in a few words: cores, processor, memory, kernel."""
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text("utf-8"), re.M)
    total = re.search(r"^MemTotal:\s*(\d+) kB", meminfo.read_text("utf-8"), re.M)
    memory = f"{int(total[1]) / 1048576:.0f} GB" if total else "?"
    name = " ".join(model[1].split()) if model else platform.machine()
    return f"{os.cpu_count()} cores {name}, {memory}, Linux {platform.release()}"


@dataclass
class Figure:
    """One measured line: a name, values with their unit in the key, the command that measured it."""

    name: str
    values: dict[str, Any]
    notes: str = ""
    host: str = field(default_factory=_machine)
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    load: float = field(default_factory=lambda: round(os.getloadavg()[1], 1))
    """The machine's, over the last five minutes: the measurement's own and that of other work."""

    @property
    def command(self) -> str:
        """The command that measures it again."""
        return f"sudo .venv/bin/python -m tests.bench.run {self.name}"

    def as_json(self) -> str:
        """One JSON object on one line."""
        return json.dumps({**self.__dict__, "command": self.command}, ensure_ascii=False)

    def as_row(self) -> str:
        """A row of the table in docs/benchmarks.md."""
        values = ", ".join(f"{key.replace('_', ' ')}: {_words(value)}" for key, value in self.values.items())
        notes = f"{self.notes}; load {self.load}"
        return f"| {self.name} | {values} | {notes} | `{self.command}` | {self.date} | {self.host} |"


def _words(value: object) -> str:
    """A value as it reads in a table: a list and a dictionary without their brackets and quotes."""
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {each}" for key, each in value.items()) + ")"
    if isinstance(value, list):
        return "(" + ", ".join(map(str, value)) + ")"
    return str(value)
