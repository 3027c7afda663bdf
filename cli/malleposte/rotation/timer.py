"""A systemd timer on the controller, which holds the secrets: it changes those that are due."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.adapters.systemd import client
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import ROOT, folder_of

UNITS = Path("/etc/systemd/system")
SECONDS = 60.0
SERVICE = """\
# Written by `malleposte secrets timer`.
[Unit]
Description=Change the secrets of {inventory} that are due
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={words}
"""
TIMER = """\
# Written by `malleposte secrets timer`.
[Unit]
Description=Change the secrets of {inventory} that are due, each night

[Timer]
OnCalendar=*-*-* 03:40
RandomizedDelaySec=30min
Persistent=true

[Install]
WantedBy=timers.target
"""


def systemctl(words: Sequence[str]) -> None:
    """Raises MallepostError with what systemd says."""
    done = client(words, SECONDS)
    if done.returncode:
        raise MallepostError(f"systemctl {' '.join(words)}: {done.stderr.strip()}", "is this machine run by systemd?")


def quoted(word: str) -> str:
    """A word of a command line of systemd, which takes `%` and `$` for its own."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


@dataclass(frozen=True)
class Timer:
    """The timer of one inventory. `vault_password_file` opens values that are kept by ansible-vault."""

    inventory: Path
    vault_password_file: str | None = None
    units: Path = UNITS
    systemctl: Callable[[Sequence[str]], None] = systemctl

    @property
    def name(self) -> str:
        """The units' name, without their kind."""
        return f"malleposte-secrets-{re.sub('[^a-zA-Z0-9]+', '-', folder_of(self.inventory).resolve().name)}"

    def install(self) -> None:
        """Write and start it; typed again, it is renewed. Raises MallepostError."""
        place = self.inventory.resolve()
        words = [str(ROOT / "malleposte"), "secrets", "rotate", "--due", "--yes", "-i", str(place)]
        if self.vault_password_file:
            words += ["--vault-password-file", str(Path(self.vault_password_file).resolve())]
        inventory = str(place).replace("%", "%%")
        for kind, text in (("service", SERVICE), ("timer", TIMER)):
            unit = text.format(inventory=inventory, words=" ".join(map(quoted, words)))
            try:
                (self.units / f"{self.name}.{kind}").write_text(unit, "utf-8")
            except OSError as error:
                raise InputError(f"{self.units}: {error.strerror}", "run it as root") from error
        self.systemctl(["daemon-reload"])
        self.systemctl(["enable", "--now", f"{self.name}.timer"])

    def remove(self) -> None:
        """Stop and remove it. Raises InputError when there is none."""
        if not (self.units / f"{self.name}.timer").exists():
            raise InputError(f"there is no {self.name}.timer", "`secrets timer` installs it")
        self.systemctl(["disable", "--now", f"{self.name}.timer"])
        for kind in ("service", "timer"):
            (self.units / f"{self.name}.{kind}").unlink(missing_ok=True)
        self.systemctl(["daemon-reload"])
