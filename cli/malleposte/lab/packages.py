"""The pool of package files shared by all labs.

apt holds an exclusive lock on its archives directory, so hosts cannot share one while they install at the same
time. Each has its own, hard-linked from the pool and to it: no copy, no lock, nothing downloaded twice in turn.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync(pool: Path, archives: Path) -> int:
    """Link what either directory lacks; return how many files were linked. Only complete files have this suffix."""
    pool.mkdir(parents=True, exist_ok=True)
    archives.mkdir(parents=True, exist_ok=True)
    return _link(archives, pool) + _link(pool, archives)


def harvest(pool: Path, archives: Path) -> int:
    """Link into the pool what ``archives`` has; return how many files were linked."""
    pool.mkdir(parents=True, exist_ok=True)
    return _link(archives, pool) if archives.is_dir() else 0


def _link(source: Path, target: Path) -> int:
    present = set(os.listdir(target))
    count = 0
    for name in os.listdir(source):
        if name.endswith(".deb") and name not in present:
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(source / name, target / name)
                count += 1
    return count
