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

    def repository(self, name: str) -> str:
        """Location of a repository, as borg takes it."""
        return f"{self.url}/{name}"


@dataclass(frozen=True)
class Source:
    """One series of archives.

    Either files (`paths`, less `exclude`, borg's patterns), or the output of `command`, streamed into the file `file`.
    """

    name: str
    repository: str
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Config:
    """This client: its vaults, its sources, and where borg keeps its caches (`base`)."""

    client: str
    vaults: tuple[Target, ...]
    sources: tuple[Source, ...]
    ssh_config: Path
    base: Path
    state: Path
    mail_root: str = ""
    mail_shards: int = 0
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
        if not self.mail_shards:
            raise InputError(f"{self.client} stores no mail")
        return shard_name(int(bucket(uid), 16) * self.mail_shards // 256, self.mail_shards)

    def mailbox(self, uid: str) -> str:
        """The folder of a mailbox on disk."""
        return f"{self.mail_root}/{bucket(uid)}/{uid}"


def bucket(uid: str) -> str:
    """The bucket of a mailbox (docs/adr/0006-mail-store.md): the first two hex digits of SHA-1 of its uid."""
    return hashlib.sha1(uid.encode(), usedforsecurity=False).hexdigest()[:2]


def shard_buckets(number: int, shards: int) -> list[str]:
    """The buckets of a share of the mail store, in order."""
    return [f"{index:02x}" for index in range(256) if index * shards // 256 == number]


def shard_name(number: int, shards: int) -> str:
    """The name of a share's source and repository: it tells its buckets, whatever the number of shares is later."""
    buckets = shard_buckets(number, shards)
    return f"mail-{buckets[0]}-{buckets[-1]}"


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
    shards = int(data.get("mail_shards", 0))
    mail_root = str(data.get("mail_root", ""))
    sources = [
        Source(
            name=entry["name"],
            repository=entry["repository"],
            paths=tuple(entry.get("paths", ())),
            exclude=tuple(entry.get("exclude", ())),
            command=tuple(entry.get("command", ())),
            file=entry.get("file", ""),
        )
        for entry in data["sources"]
    ]
    exclude = tuple(data.get("mail_exclude", ()))
    for number in range(shards):
        name = shard_name(number, shards)
        paths = tuple(f"{mail_root}/{one}" for one in shard_buckets(number, shards))
        sources.append(Source(name, name, paths=paths, exclude=exclude))
    return Config(
        client=data["client"],
        vaults=tuple(Target(one["name"], one["url"], Path(one["passphrase_file"])) for one in data["vaults"]),
        sources=tuple(sources),
        ssh_config=Path(data["ssh_config"]),
        base=Path(data["base"]),
        state=Path(data["state"]),
        mail_root=mail_root,
        mail_shards=shards,
        databases=bool(data.get("databases", False)),
        parallel=int(data.get("parallel", 2)),
        compression=str(data.get("compression", "zstd,3")),
    )
