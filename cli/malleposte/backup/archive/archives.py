"""The archives that a vault holds of this host: find them, list them, take files out. Nothing here changes a vault."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from malleposte.core.errors import MallepostError
from malleposte.runtime import owner

from .borg import NEVER_MATCHED, Borg, BorgError, Done, environment
from .config import Config, Target
from .config import read as read_config

SEPARATOR = "@"
STAMP = "%Y%m%dT%H%M%SZ"
COMMON = "system"
"""The repository of all that is no mailbox."""
MADE = "made"
"""The series that tells a vault which archives its client made; one with each run."""
MADE_FILE = "made.json"
CHECKPOINT = ".checkpoint"
"""borg's mark of an archive whose making was cut short."""


class NotInArchiveError(MallepostError):
    """A path is not in the archive; the text names both."""


class NoArchiveError(MallepostError):
    """A vault was read and holds no archive of a source, as of a date."""


@dataclass(frozen=True, order=True)
class Archive:
    """One archive. Ordered by the moment its making began (UTC)."""

    start: datetime
    vault: str
    repository: str
    source: str
    name: str
    id: str = field(compare=False, default="")


@dataclass(frozen=True)
class Item:
    """An entry of an archive: its absolute path on the host, borg's type (`-` file, `d` folder, `l` link), bytes."""

    path: str
    type: str
    size: int
    mtime: datetime


def archive_name(source: str, start: datetime) -> str:
    """The name of an archive of `source`, begun at `start`."""
    return f"{source}{SEPARATOR}{start.astimezone(UTC):{STAMP}}"


def moment(text: str) -> datetime:
    """A time as borg prints it under TZ=UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Vault:
    """One vault, seen from this host."""

    def __init__(self, config: Config, target: Target, lock_wait: int = 300) -> None:
        self.config = config
        self.target = target
        self.borg = Borg(environment(target.base(config.base), target.passphrase_file, config.ssh_config), lock_wait)

    @property
    def name(self) -> str:
        """The name of the vault."""
        return self.target.name

    @property
    def repositories(self) -> tuple[str, ...]:
        """Names of this host's repositories there, each once, in the order of the sources."""
        return tuple(dict.fromkeys(source.repository for source in self.config.sources))

    def sources(self) -> list[str]:
        """Names of all series of archives that the vault holds of this host, databases that are gone included."""
        return sorted({one.source for repository in self.repositories for one in self._listed(repository, "*")})

    def series(self, prefix: str) -> list[str]:
        """Names of the series of archives in the repository `system` that begin like this. Raises BorgError."""
        return sorted({one.source for one in self._listed(COMMON, f"{prefix}*")})

    def archives(self, source: str, as_of: datetime | None = None) -> list[Archive]:
        """Whole archives of a source begun at `as_of` or before, newest first.

        `as_of` must bear a time zone. Raises BorgError when the vault cannot be read.
        """
        listed = self._listed(self.repository_of(source), f"{source}{SEPARATOR}*")
        return sorted((one for one in listed if as_of is None or one.start <= as_of), reverse=True)

    def latest(self, source: str, as_of: datetime | None = None) -> Archive:
        """The newest archive of a source as of a date. Raises NoArchiveError when there is none, BorgError."""
        archives = self.archives(source, as_of)
        if not archives:
            when = f" of {as_of.astimezone():%Y-%m-%d %H:%M %Z} or before" if as_of else ""
            hint = "`backup list` shows what there is; `backup run` makes the first ones"
            raise NoArchiveError(f"{self.name} holds no archive of {source}{when}", hint)
        return archives[0]

    def repository_of(self, source: str) -> str:
        """The repository of a source; one that the configuration does not name (a database) is among the dumps."""
        for one in self.config.sources:
            if one.name == source:
                return one.repository
        return COMMON

    def key(self, repository: str) -> str:
        """A repository's key as `borg key export` writes it: it opens with the passphrase alone. Empty where no
        repository was made. Raises BorgError.
        """
        try:
            return self.borg.run("key", "export", self.target.repository(repository)).output
        except BorgError as error:
            if not error.no_repository:
                raise
            return ""

    def list_files(self, archive: Archive, prefix: str = "") -> Iterator[Item]:
        """Entries of an archive at `prefix` (an absolute path) or below it, in the archive's order."""
        words = ["list", "--json-lines", "--format", "{type}{path}{size}{mtime}", self._location(archive)]
        if prefix.strip("/"):
            words.append(_exactly(prefix))
        for line in self.borg.lines(*words):
            entry = json.loads(line)
            yield Item(f"/{entry['path']}", entry["type"], int(entry["size"]), moment(entry["mtime"]))

    def extract(self, archive: Archive, paths: Iterable[str], destination: Path) -> None:
        """Put `paths` (absolute, with what is below) under `destination` at their whole path, dates kept.

        In a folder of root's, owners are kept too: by their names, since system users of a new host have other
        numbers. In a store (`owner`), its user unpacks, so that nothing in an archive reaches out of the store.
        No path at all means everything. Raises NotInArchiveError when one matches nothing, BorgError otherwise.
        """
        patterns = [_exactly(path) for path in paths]
        user, group = owner.of(destination)
        if user and os.geteuid() == 0:
            done = self._unpacked(archive, patterns, destination, user, group)
        else:
            done = self.borg.run("extract", self._location(archive), *patterns, cwd=destination)
        missing = [text for text in done.warnings if "never matched" in text]
        if done.code == NEVER_MATCHED or missing:
            raise NotInArchiveError(f"{archive.name} on {self.name}: {missing[0] if missing else 'a path is missing'}")
        if done.warnings:
            raise MallepostError(f"{archive.name} on {self.name}: {done.warnings[0]}")

    def _unpacked(self, archive: Archive, patterns: Sequence[str], destination: Path, user: int, group: int) -> Done:
        """borg, which holds the key, is root's; what it puts out is unpacked by the store's user."""
        words = ["tar", "--extract", "--file=-", f"--directory={destination}", "--delay-directory-restore"]
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                words, stdin=subprocess.PIPE, stderr=said, cwd="/", user=user, group=group, extra_groups=[]
            ) as tar,
        ):
            assert tar.stdin
            failure: BorgError | None = None
            try:
                done = self.borg.into(tar.stdin, "export-tar", self._location(archive), "-", *patterns)
            except BorgError as error:
                failure = error
            tar.stdin.close()
            if tar.wait() != 0:
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").strip().splitlines() or [f"status {tar.returncode}"]
                raise failure or MallepostError(f"{archive.name} on {self.name}: {lines[0]}")
        if failure:
            raise failure
        return done

    def size(self, archive: Archive) -> int:
        """Bytes that an archive takes when it is put out. Raises BorgError."""
        info = json.loads(self.borg.run("info", "--json", self._location(archive)).output)
        return int(info["archives"][0]["stats"]["original_size"])

    def stream(self, archive: Archive, path: str, into: IO[bytes]) -> None:
        """Write one file of an archive, such as a dump, to an open file."""
        self.borg.into(into, "extract", "--stdout", self._location(archive), _exactly(path))

    def _listed(self, repository: str, pattern: str) -> list[Archive]:
        words = ("list", "--json", "--glob-archives", pattern, self.target.repository(repository))
        try:
            entries = json.loads(self.borg.run(*words).output)["archives"]
        except BorgError as error:
            if not error.no_repository:
                raise
            return []  # what was never backed up to this vault has no repository there
        return [self._archive(repository, entry) for entry in entries if whole(entry["name"])]

    def _archive(self, repository: str, entry: dict[str, str]) -> Archive:
        source = entry["name"].rpartition(SEPARATOR)[0]
        return Archive(moment(entry["start"]), self.name, repository, source, entry["name"], entry["id"])

    def _location(self, archive: Archive) -> str:
        return f"{self.target.repository(archive.repository)}::{archive.name}"


def whole(name: str) -> bool:
    """Whether an archive of that name is one of ours and was finished."""
    return SEPARATOR in name and CHECKPOINT not in name


def _exactly(path: str) -> str:
    return f"pp:{path.strip('/')}"


def vaults(config: Config | None = None, only: Sequence[str] = ()) -> list[Vault]:
    """The vaults of this host, all or those named. Raises InputError on an unknown name."""
    config = config or read_config()
    targets = [config.target(name) for name in only] or list(config.vaults)
    return [Vault(config, target) for target in targets]
