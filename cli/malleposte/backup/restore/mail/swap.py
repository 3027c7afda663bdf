"""Two directories change places in one step, and a box is held closed meanwhile."""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

EXCHANGE = 2  # RENAME_EXCHANGE, renameat2(2)
HERE = -100  # AT_FDCWD
HOLD = 0o1200


def exchange(one: Path, other: Path) -> None:
    """Exchanges two directories of one file system atomically. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def make_hold(path: Path) -> None:
    """A folder that nobody enters, its owner included: who delivers there is refused, and tries again later.

    Its owner may move it all the same, which takes the right to write. It is known by its mode, which no box has.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(HOLD)


def is_hold(path: Path) -> bool:
    """Whether a box's place is taken by such a folder."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and stat.S_IMODE(mode) == HOLD


def remove_hold(path: Path) -> None:
    """Removes it; nothing happens where there is none."""
    if is_hold(path):
        path.chmod(0o700)
        path.rmdir()
