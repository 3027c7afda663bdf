"""What a client knows of its backups: `/etc/malleposte/backup.json`, written by the role borgmatic, for root alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.errors import InputError

PATH = Path("/etc/malleposte/backup.json")


@dataclass(frozen=True)
class Target:
    """One vault as this client reaches it: repositories lie below `url`."""

    name: str
    url: str
    passphrase_file: Path

    def base(self, root: Path) -> Path:
        """Where borg keeps its caches and what it knows of this vault."""
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

    def target(self, name: str) -> Target:
        """The vault of that name. Raises InputError with the known names."""
        for one in self.vaults:
            if one.name == name:
                return one
        raise InputError(f"no vault {name!r}", f"known are {', '.join(one.name for one in self.vaults)}")

    def mail_source(self, uid: str) -> str:
        """The source that holds the mailbox of `uid`. Raises InputError where this host stores no mail."""
        folder = f"{self.mail_root}/{bucket(uid)}"
        for source in self.sources:
            if folder in source.paths:
                return source.name
        raise InputError(f"{self.client} stores no mail")

    @property
    def mail_sources(self) -> tuple[Source, ...]:
        """The sources that hold mailboxes."""
        return tuple(one for one in self.sources if any(path.startswith(f"{self.mail_root}/") for path in one.paths))

    def mailbox(self, uid: str) -> str:
        """The folder of a mailbox on disk."""
        return f"{self.mail_root}/{bucket(uid)}/{uid}"


def bucket(uid: str) -> str:
    """The bucket of a mailbox (docs/adr/0006-mail-store.md): the first two hex digits of SHA-1 of its uid."""
    return hashlib.sha1(uid.encode(), usedforsecurity=False).hexdigest()[:2]


def read(path: Path = PATH) -> Config:
    """The configuration of this host. Raises InputError when it has none or may not be read."""
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise InputError("this host sends no backups", f"{path} is not there: is it in the inventory?") from error
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
    )
