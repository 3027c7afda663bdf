"""A vault of backups that is a folder."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from malleposte.backup.restore.model import Copy

TAKEN = datetime(2026, 3, 14, 9, tzinfo=UTC)


class FolderVault:
    """One archive, whose content lies below a folder. `asked` counts the extractions."""

    def __init__(self, root: Path, archive: str = "mail-a0-af@1") -> None:
        self.root, self.archive, self.asked = root, archive, 0

    def find(self, path: str) -> Copy:
        return Copy(self.archive, "vault2", TAKEN)

    latest = find

    def size(self, copy: Copy) -> int:
        return 1000

    def extract(self, copy: Copy, paths: Iterable[str], destination: Path) -> None:
        self.asked += 1
        for path in list(paths) or ["/"]:
            source, target = self.root / path.lstrip("/"), destination / path.lstrip("/")
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
            elif source.exists():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def dump(self, name: str, into: Path) -> Copy:
        """The archive holds no dump; a restore that needs one says so in its test."""
        raise AssertionError(name)
