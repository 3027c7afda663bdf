"""Two directories change places in one step, and a box is held closed meanwhile."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

EXCHANGE = 2  # RENAME_EXCHANGE, renameat2(2)
HERE = -100  # AT_FDCWD
HELD = ".held-by-restore"


def exchange(one: Path, other: Path) -> None:
    """Exchanges two directories of one file system atomically. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def make_hold(path: Path) -> None:
    """A directory that only root enters: who writes there as another is refused, and tries again later."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (path / HELD).touch()
    path.chmod(0)


def is_hold(path: Path) -> bool:
    """Whether a box's place is taken by such a directory."""
    return (path / HELD).exists()


def remove_hold(path: Path) -> None:
    """Removes it; nothing happens where there is none."""
    if is_hold(path):
        path.chmod(0o700)
        (path / HELD).unlink()
        path.rmdir()
