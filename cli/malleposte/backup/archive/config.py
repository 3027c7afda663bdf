"""A client's backup settings: `/etc/malleposte/backup.json`, written by the role borgmatic, for root alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.platform import mailstore

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
    stop: tuple[str, ...] = ()
    """Units that are stopped while the whole host is restored."""
    restart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Units of this host that cache the content of a database, or hold connections to it, by its name."""
    users: Mapping[str, str] = field(default_factory=dict)
    """The query that counts the agents in each database."""

    def target(self, name: str) -> Target:
        """The vault of that name. Raises InputError with the known names."""
        for one in self.vaults:
            if one.name == name:
                return one
        raise InputError(f"no vault {name!r}", f"known are {', '.join(one.name for one in self.vaults)}")

    def mail_source(self, uid: str) -> str:
        """The source that holds the mailbox of `uid`. Raises InputError where this host stores no mail."""
        folder = f"{self.mail_root}/{mailstore.bucket(uid)}"
        for source in self.sources:
            if folder in source.paths:
                return source.name
        raise InputError(f"{self.client} stores no mail")

    @property
    def mail_sources(self) -> tuple[Source, ...]:
        """The sources that hold mailboxes."""
        return tuple(one for one in self.sources if any(path.startswith(f"{self.mail_root}/") for path in one.paths))

    def mailbox(self, uid: str) -> Path:
        """The folder of a mailbox on disk."""
        return mailstore.home_of(uid, Path(self.mail_root))


def read(path: Path = PATH) -> Config:
    """The configuration of this host. Raises InputError when it has none or may not be read."""
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        hint = f"{path} is not there: does the inventory's group vault have hosts, and was this one deployed since?"
        raise InputError("this host sends no backups", hint) from error
    except PermissionError as error:
        raise InputError(f"{path} is for root alone", "use sudo") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}", "run `malleposte deploy`") from error


def parse(data: Mapping[str, Any]) -> Config:
    """The configuration from its JSON. Raises KeyError, TypeError, ValueError on what is missing or wrong."""
    sources = [
        Source(
            name=entry["name"],
            repository=entry["repository"],
            paths=tuple(entry.get("paths", ())),
            exclude=tuple(entry.get("exclude", ())),
            command=tuple(entry.get("command", ())),
            file=entry.get("file", ""),
            engine=entry.get("engine", "borg"),
        )
        for entry in data["sources"]
    ]
    restore = data.get("restore", {})
    return Config(
        client=data["client"],
        vaults=tuple(Target(one["name"], one["url"], Path(one["passphrase_file"])) for one in data["vaults"]),
        sources=tuple(sources),
        ssh_config=Path(data["ssh_config"]),
        base=Path(data["base"]),
        state=Path(data["state"]),
        mail_root=str(data["mail_root"]),
        databases=bool(data.get("databases", False)),
        parallel=int(data.get("parallel", 2)),
        compression=str(data.get("compression", "zstd,3")),
        units={path: tuple(names) for path, names in data.get("units", {}).items()},
        stop=tuple(restore.get("stop", ())),
        restart={name: tuple(units) for name, units in restore.get("restart", {}).items()},
        users=dict(restore.get("users", {})),
    )
