"""Archives as a restore asks for them: of this host's vaults, as of a date. The newest wins, whichever vault has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from malleposte.backup.archive.archives import Archive, NoArchiveError, NotInArchiveError, Vault
from malleposte.backup.archive.config import Config
from malleposte.backup.restore.model import Copy
from malleposte.core.errors import InputError, MallepostError

DATABASE = "postgresql-"


class Archives:
    """The archives of this host on `vaults`, as of a date (aware) or the newest."""

    def __init__(
        self, config: Config, vaults: Sequence[Vault], as_of: datetime | None = None, say: Callable[[str], None] = print
    ) -> None:
        self._config, self._vaults, self._as_of, self._say = config, vaults, as_of, say
        self._latest: dict[str, tuple[Vault, Archive]] = {}

    def latest(self, source: str) -> Copy:
        """The newest archive of a source, asked of each vault once. A vault that cannot be read is passed over.

        Raises NoArchiveError when no vault has one, and MallepostError when none could be read.
        """
        if source not in self._latest:
            self._latest[source] = self._search(source)
        vault, archive = self._latest[source]
        return Copy(archive.name, vault.name, archive.start)

    def find(self, path: str) -> Copy:
        """The archive that is asked for and may hold `path` (absolute). Raises MallepostError when there is none."""
        return self.latest(self.source_of(path))

    def extract(self, copy: Copy, paths: Iterable[str], destination: Path) -> None:
        """Write `paths`, or everything, below `destination`, under their whole names. Raises MallepostError.

        A path that the archive has not is no error.
        """
        vault, archive = self._of(copy)
        listed = list(paths)
        try:
            vault.extract(archive, listed, destination)
        except NotInArchiveError:
            # borg has put out what matched, and names but the first that did not.
            if len(listed) == 1:
                return

    def size(self, copy: Copy) -> int:
        """Bytes that it takes when it is put out."""
        vault, archive = self._of(copy)
        return vault.size(archive)

    def dump(self, name: str, into: Path) -> Copy:
        """Write the dump of that name into a file, for root alone. Raises MallepostError."""
        copy = self.latest(name)
        vault, archive = self._of(copy)
        into.touch(mode=0o600)
        with into.open("wb") as stream:
            vault.stream(archive, self._file(vault, archive), stream)
        return copy

    def source_of(self, path: str) -> str:
        """The source that keeps `path`: the one with the longest path that holds it. Raises InputError."""
        candidates = [
            (len(root), one.name)
            for one in self._config.sources
            for root in one.paths
            if path == root or path.startswith(root.rstrip("/") + "/")
        ]
        if not candidates:
            raise InputError(f"{path} is in no backup of {self._config.client}", "is this the right --host?")
        return max(candidates)[1]

    def databases(self) -> list[str]:
        """Databases that some vault holds, by name. Raises MallepostError when no vault can be read."""
        names: set[str] = set()
        causes: list[MallepostError] = []
        for vault in self._vaults:
            try:
                names |= {name.removeprefix(DATABASE) for name in vault.series(DATABASE)}
            except MallepostError as error:
                self._say(f"passed over: {vault.name}: {error}")
                causes.append(error)
        if causes and len(causes) == len(self._vaults):
            raise causes[0]
        return sorted(names)

    def _search(self, source: str) -> tuple[Vault, Archive]:
        candidates: list[tuple[Vault, Archive]] = []
        causes: list[MallepostError] = []
        for vault in self._vaults:
            try:
                candidates.append((vault, vault.latest(source, self._as_of)))
            except MallepostError as error:
                causes.append(error)
        if not candidates and not causes:
            raise InputError("this host has no vault")
        if not candidates:
            # Vaults hold the same: the word of one that was read counts.
            raise next((cause for cause in causes if isinstance(cause, NoArchiveError)), causes[0])
        for cause in causes:
            self._say(f"passed over: {cause}")
        return max(candidates, key=lambda pair: pair[1])

    def _of(self, copy: Copy) -> tuple[Vault, Archive]:
        for vault, archive in self._latest.values():
            if (archive.name, vault.name) == (copy.archive, copy.vault):
                return vault, archive
        raise MallepostError(f"{copy} was not asked for")

    def _file(self, vault: Vault, archive: Archive) -> str:
        """The one file of a dump's archive."""
        for one in self._config.sources:
            if one.name == archive.source and one.file:
                return one.file
        return next(item.path for item in vault.list_files(archive) if item.type == "-")
