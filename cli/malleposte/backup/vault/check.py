"""The check of a vault from the host that holds the key: repositories, archives, and a restore that is compared."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.backup.archive.archives import Archive, NotInArchiveError, Vault
from malleposte.backup.archive.config import Source
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.runtime import owner

SAMPLE = 10
"""Files of a source that are restored and compared."""
LIMIT = 600
"""Seconds at most for the check of one repository; borg goes on where it stopped at the next one."""


@dataclass
class Finding:
    """The result of the check of one source; `compared` counts the files that came back the same."""

    source: str
    archive: str = ""
    compared: int = 0
    error: str = ""


@dataclass
class Report:
    """The check of one vault."""

    vault: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        """A line for each fault."""
        return [f"{self.vault} {one.source}: {one.error}" for one in self.findings if one.error]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {"vault": self.vault, "ok": not self.errors, "sources": [vars(one) for one in self.findings]}


def some_files(source: Source, before: float, count: int, chance: random.Random) -> list[Path]:
    """Some files of a source as they lie on disk, unchanged since `before` (seconds since the epoch).

    A random choice of files below its paths: no store is listed as a whole, however large it is. Of mailboxes, messages
    alone count: indexes are left out of archives.
    """
    mail = source.name.startswith("mail-")
    tops = [Path(path) for path in source.paths if Path(path).exists()]
    chosen: dict[Path, None] = {}
    for _try in range(count * 20):
        if len(chosen) >= count or not tops:
            break
        for path in _descend(chance.choice(tops), chance):
            if _still(path, before) and (not mail or path.parent.name in {"cur", "new"}):
                chosen[path] = None
                break
    return list(chosen)


def _descend(top: Path, chance: random.Random) -> Iterator[Path]:
    here = top
    for _depth in range(12):
        if here.is_symlink() or not here.is_dir():
            break
        try:
            inside = sorted(here.iterdir())
        except OSError:
            return
        if not inside:
            return
        here = chance.choice(inside)
    yield here


def _still(path: Path, before: float) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return path.is_file() and not path.is_symlink() and status.st_ctime < before and status.st_size > 0


def compare(vault: Vault, archive: Archive, files: list[Path]) -> int:
    """Restore files aside, compare them byte for byte, and return the number of those that were the same.

    A file that the archive does not hold (left out, or renamed since) does not count. Raises MallepostError when one
    differs.
    """
    same = 0
    with tempfile.TemporaryDirectory(prefix="malleposte-check-", dir=vault.config.state) as folder:
        destination = Path(folder)
        with contextlib.suppress(NotInArchiveError):
            vault.extract(archive, [str(path) for path in files], destination)
        for path in files:
            copy = destination / str(path).lstrip("/")
            if not copy.is_file():
                continue
            try:
                content, changed = owner.read(path), path.lstat().st_ctime
            except OSError:
                continue  # a message that was moved meanwhile, or what is no plain file any more
            if copy.read_bytes() != content and changed < archive.start.timestamp():
                raise MallepostError(f"{path} came back different from {archive.name}")
            same += 1
    return same


def check_source(vault: Vault, source: Source, chance: random.Random) -> Finding:
    """The last archive of a source: its metadata, and a sample of its files; of a dump, that it is there and whole."""
    finding, failures = Finding(source.name), list[str]()
    with named(failures.append):
        archive = vault.latest(source.name)
        finding.archive = archive.name
        location = vault.target.repository(source.repository)
        vault.borg.run("check", "--archives-only", "--glob-archives", archive.name, location)
        if source.command:
            with tempfile.TemporaryFile(dir=vault.config.state) as copy:
                vault.stream(archive, source.file, copy)
                finding.compared = 1 if copy.tell() else 0
                if not copy.tell():
                    finding.error = f"{archive.name} holds an empty dump"
        else:
            files = some_files(source, archive.start.timestamp(), SAMPLE, chance)
            finding.compared = compare(vault, archive, files) if files else 0
            if files and not finding.compared:
                finding.error = f"{archive.name} gave back none of {len(files)} files"
    finding.error = failures[0] if failures else finding.error
    return finding


def check(vault: Vault, sources: list[Source], limit: int = LIMIT, seed: int | None = None) -> Report:
    """Check a vault: each repository (at most `limit` seconds), then each source's last archive."""
    chance = random.Random(seed)  # noqa: S311  # a sample, not a secret
    report = Report(vault.name)
    for repository in dict.fromkeys(one.repository for one in sources):
        failures: list[str] = []
        with named(failures.append):
            location = vault.target.repository(repository)
            vault.borg.run("check", "--repository-only", "--max-duration", str(limit), location)
        report.findings += [Finding(f"repository {repository}", error=failure) for failure in failures]
    report.findings += [check_source(vault, source, chance) for source in sources]
    return report
