"""This host, as a whole restore sees it."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from malleposte.adapters import dovecot
from malleposte.backup.archive.config import Config
from malleposte.backup.restore import database as restore_database
from malleposte.backup.restore import dav, kept
from malleposte.backup.restore import directory as restore_directory
from malleposte.backup.restore import ldif as restore_ldif
from malleposte.backup.restore.mail import maildir
from malleposte.backup.restore.mail.dovecot import count_on, run
from malleposte.backup.restore.model import Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import MallepostError
from malleposte.platform import mailstore
from malleposte.runtime import owner

WORK = Path("/var/lib/malleposte/restore")
PROBER = re.compile(r"probe-.+-[12]")
"""The accounts of the probes that vaults walk, which the deploy of a new host makes; they use it within minutes."""


def _is_agent(entry: restore_ldif.Entry) -> bool:
    agent = "mpagent" in map(str.lower, entry.values("objectClass"))
    return agent and not any(PROBER.fullmatch(uid) for uid in entry.values("uid"))


class ThisHost:
    """The operations that a whole restore needs from a host besides files."""

    def __init__(self, archives: Archives, say: Callable[[str], None], config: Config) -> None:
        """`config` says what is backed up here, and what a restore restarts and counts."""
        self._archives, self._say, self._serves, self._config = archives, say, config.databases, config
        self.notes: list[str] = []
        """Notes about its databases."""
        self._slapd = restore_directory.Slapd()

    def directory(self) -> Outcome:
        """Restore the directory."""
        return restore_directory.restore(self._archives, self._slapd, WORK, say=self._say)

    def in_use(self) -> list[str]:
        """Describe the agents' data that this host already holds; empty on a new host.

        Whatever of agents is here counts: the directory may be on another host.
        """
        entries = restore_ldif.parse(self._slapd.live())
        store = dav.Store()
        with owner.as_owner(mailstore.STORE):
            homes = [home for home in mailstore.STORE.glob(f"[0-9a-f][0-9a-f]/*/{mailstore.MAILDIR}")
                     if not PROBER.fullmatch(home.parent.name)]  # fmt: skip
            mail = sum(1 for home in homes if any(any(maildir.files(one)) for one in maildir.folders(home).values()))
        with owner.as_owner(store.collections):
            homes_of_agendas = store.collections.glob("*") if owner.folder(store.collections) else ()
            # Published calendars, which are no agent's, lie in a folder with a dot.
            agendas = sum(1 for home in homes_of_agendas if not re.match(rf"\.|{PROBER.pattern}\Z", home.name))
        counted = {
            # The boxes of the platform's own addresses are there since the deploy.
            "accounts": sum(1 for entry in entries if _is_agent(entry)),
            "mailboxes with mail": mail,
            "agents with agendas": agendas,
            **{f"users in the database {name}": number for name, number in self._users().items()},
        }
        return [f"{number} {what}" for what, number in counted.items() if number]

    def _users(self) -> dict[str, int]:
        """Agents whom the databases of this host know."""
        server, counts = restore_database.Postgres(), dict[str, int]()
        try:
            there = server.sql("SELECT datname FROM pg_database").split()
        except (MallepostError, OSError):  # no PostgreSQL here
            return counts
        for name, question in self._config.restore.users.items():
            if name in there:
                with contextlib.suppress(MallepostError):  # nobody was there yet: SOGo makes its tables late
                    counts[name] = int(server.sql(question, name).strip() or 0)
        return counts

    def databases(self) -> list[str]:
        """Databases that the archives hold and this host has.

        What this host has no more, such as the database of a service that left, is passed over.
        """
        there = restore_database.Postgres().sql("SELECT datname FROM pg_database").split() if self._serves else []
        archived = [name for name in self._archives.databases() if not kept.by_restore(name)] if self._serves else []
        self.notes = [f"the archives have a database {name}, which is not on this host" for name in archived
                      if name not in there]  # fmt: skip
        return [name for name in archived if name in there]

    def database(self, name: str) -> Outcome:
        """Restore a database; the replaced one is kept."""
        server = restore_database.Postgres(self._config.restore.restart)
        return restore_database.restore(name, self._archives, server, WORK, say=self._say)

    @contextlib.contextmanager
    def paused(self, units: Sequence[str]) -> Iterator[None]:
        """Inside the block those units are stopped; those that ran run again after it. Units that are not there are
        passed over. Raises MallepostError when one does not stop or start.
        """
        ran = [name for name in units if run(["systemctl", "is-active", "--quiet", name]).returncode == 0]
        # Sockets first: they would start what was just stopped. The other way round after it.
        order = sorted(ran, key=lambda name: not name.endswith((".socket", ".timer")))
        try:
            for name in order:
                self._unit("stop", name)
            yield
        finally:
            for name in reversed(order):
                self._unit("start", name)

    @staticmethod
    def _unit(verb: str, name: str) -> None:
        done = run(["systemctl", verb, name])
        if done.returncode != 0:
            raise MallepostError(f"{name} does not {verb}", f"look at 'journalctl -u {name}'")

    def room(self, place: Path) -> tuple[int, int]:
        """The file system that a place is on, and its free bytes."""
        here = next(one for one in (place, *place.parents) if one.exists())
        return here.stat().st_dev, shutil.disk_usage(here).free

    def reopened(self, homes: Sequence[Path]) -> None:
        """The mail is open again: let Dovecot count on where clients remember it.

        Clients remember MODSEQs below the clock's seconds: counting goes on from there.
        """
        dovecot.forget(check=False)
        strays = count_on(homes, int(time.time()), self._say)
        if strays:
            self._say(f"{len(strays)} boxes are not open, as those of no account: {', '.join(strays[:8])}")
