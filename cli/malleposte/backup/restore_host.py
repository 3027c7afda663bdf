"""This host, as a whole restore sees it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from malleposte.errors import InputError, MallepostError

from . import restore_database, restore_directory, restore_ldif
from .restore_dovecot import Doveadm, run
from .restore_model import Outcome
from .restore_vault import Archives

WORK = Path("/var/lib/malleposte/restore")


class ThisHost:
    """See restore_all.Host."""

    def __init__(self, archives: Archives, say: Callable[[str], None]) -> None:
        self._archives, self._say = archives, say
        self._slapd = restore_directory.HostSlapd()

    def directory(self) -> Outcome:
        """See Host."""
        return restore_directory.restore(self._archives, self._slapd, WORK, say=self._say)

    def accounts(self) -> int:
        """See Host."""
        entries = restore_ldif.parse(self._slapd.live().splitlines())
        return sum(1 for entry in entries if entry.dn.lower().startswith("uid="))

    def databases(self) -> list[str]:
        """See Host."""
        return self._archives.databases()

    def database(self, name: str) -> Outcome:
        """See Host."""
        server = restore_database.HostPostgres()
        return restore_database.restore(name, self._archives, server, WORK, discard=True, say=self._say)

    def unit(self, verb: str, name: str) -> None:
        """See Host."""
        if not run(["systemctl", "cat", name]).stdout:
            return
        done = subprocess.run(["systemctl", verb, name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MallepostError(f"{name} does not {verb}", f"look at 'journalctl -u {name}'")

    def reopened(self, homes: Sequence[Path]) -> None:
        """See Host. Clients remember MODSEQs below the clock's seconds: counting goes on from there."""
        doveadm = Doveadm()
        doveadm.flush()
        now, strays = int(time.time()), list[str]()

        def open_again(home: Path) -> None:
            try:
                doveadm.count_on(home.name, now)
            except InputError:  # a box whose account had gone before the archive
                strays.append(home.name)

        with ThreadPoolExecutor(4) as pool:
            opened = pool.map(open_again, homes)
            for number, _ in enumerate(opened, 1):
                if number % 500 == 0:
                    self._say(f"{number} of {len(homes)} boxes opened again")
        if strays:
            self._say(f"{len(strays)} boxes belong to no account: {', '.join(sorted(strays)[:8])}")
