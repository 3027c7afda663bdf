"""A client's backup settings: `/etc/malleposte/backup.json`, written by the role borgmatic, for root alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.core.errors import InputError
from malleposte.platform import mailstore
from malleposte.runtime import settings

PATH = Path("/etc/malleposte/backup.json")


@dataclass(frozen=True)
class Target:
    """The connection of this client to a backup server: repositories are below `url`."""

    name: str
    url: str
    passphrase_file: Path

    def base(self, root: Path) -> Path:
        """The folder of borg's caches and of its data on this backup server."""
        return root / self.name

    def repository(self, name: str) -> str:
        """Location of a repository, as borg takes it."""
        return f"{self.url}/{name}"


@dataclass(frozen=True)
class Source:
    """One series of archives.

    Either files (`paths`, less `exclude`, borg's patterns), or the output of `command`, streamed into the file `file`.
    `engine` says who reads files: `borg`, or `borgmatic` with a configuration for each vault.
    """

    name: str
    repository: str
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    file: str = ""
    engine: str = "borg"


@dataclass(frozen=True)
class Restore:
    """The units and databases that a restore of this host must know of."""

    stop: tuple[str, ...] = ()
    """Units that are stopped while the whole host is restored."""
    restart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Units of this host that cache the content of a database, or hold connections to it, by its name."""
    users: Mapping[str, str] = field(default_factory=dict)
    """The query that counts the agents in each database."""


@dataclass(frozen=True)
class Config:
    """This client: its vaults, its sources, and where borg keeps its caches (`base`)."""

    client: str
    vaults: tuple[Target, ...]
    sources: tuple[Source, ...]
    ssh_config: Path
    base: Path
    state: Path
    mail_root: str
    databases: bool = False
    """Whether this host's PostgreSQL is backed up, every database by itself."""
    parallel: int = 2
    compression: str = "zstd,3"
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Units that use a path, which a restore stops while it exchanges it."""
    restore: Restore = field(default_factory=Restore)

    def target(self, name: str) -> Target:
        """The vault of that name. Raises InputError with the known names."""
        for one in self.vaults:
            if one.name == name:
                return one
        raise InputError(f"no vault {name!r}", f"known are {', '.join(one.name for one in self.vaults)}")

    @property
    def mail_sources(self) -> tuple[Source, ...]:
        """The sources that hold mailboxes."""
        return tuple(one for one in self.sources if any(path.startswith(f"{self.mail_root}/") for path in one.paths))

    def mailbox(self, uid: str) -> Path:
        """The folder of a mailbox on disk."""
        return mailstore.home_of(uid, Path(self.mail_root))


def read(path: Path = PATH) -> Config:
    """The configuration of this host. Raises InputError when it has none or may not be read."""
    if path.parent.is_dir() and not path.exists():
        hint = f"{path} is not there: does the inventory's group vault have hosts, and was this one deployed since?"
        raise InputError("this host sends no backups", hint)
    return settings.read(path, Config, "the backups", "it is for root alone: use sudo")
