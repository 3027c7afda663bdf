"""The pool of package files shared by all labs.

apt holds an exclusive lock on its archives directory, so hosts cannot share one while they install at the
same time. Each has its own, hard-linked from the pool and to it: no copy, no lock, no second download later.
"""

from __future__ import annotations

import contextlib
from pathlib import Path


def sync(pool: Path, archives: Path) -> int:
    """Link what either directory lacks; return how many files were linked.

    A file in the directory itself is complete: apt downloads into ``partial`` and moves.
    """
    pool.mkdir(parents=True, exist_ok=True)
    archives.mkdir(parents=True, exist_ok=True)
    return _link(archives, pool) + _link(pool, archives)


def harvest(pool: Path, archives: Path) -> int:
    """Link into the pool what ``archives`` has; return how many files were linked."""
    pool.mkdir(parents=True, exist_ok=True)
    return _link(archives, pool) if archives.is_dir() else 0


def _link(source: Path, target: Path) -> int:
    present = {path.name for path in target.iterdir()}
    count = 0
    for path in source.glob("*.deb"):
        if path.name not in present:
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                (target / path.name).hardlink_to(path)
                count += 1
    return count
