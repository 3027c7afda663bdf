# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which a file is replaced: whatever ends the program or the host, the file is whole, old or new.

It is written beside the other, brought to the disk, renamed over it, and the folder's entry is brought to the disk
(fsync(2): syncing a file does not sync its name). Standard library only: modules, hosts and the controller share it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_SAME = -1
"""An id that chown(2) takes for none: the owner or group stays."""


@contextlib.contextmanager
def replacing(
    path: str | Path, mode: int = 0o600, *, user: int = _SAME, group: int = _SAME, changed: float | None = None
) -> Iterator[BinaryIO]:
    """Give a file to write; it takes the place of `path` when the block ends, and goes when the block raises.

    `changed` is the time that it bears (seconds since 1970), now by default. Raises OSError.
    """
    path = Path(path)
    # Not after the file's own name, which may be as long as a name can be.
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".malleposte-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if (user, group) != (_SAME, _SAME):
                os.fchown(file.fileno(), user, group)
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            if changed is not None:
                os.utime(file.fileno(), (changed, changed))
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(
    path: str | Path, content: str | bytes, mode: int = 0o600, *, user: int = _SAME, group: int = _SAME,
    changed: float | None = None,
) -> None:  # fmt: skip
    """Replace a file by this content (UTF-8). See `replacing`. Raises OSError."""
    with replacing(path, mode, user=user, group=group, changed=changed) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: str | Path) -> None:
    """Bring the entries of a folder to the disk: what was made, renamed or removed in it. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_state[T](path: Path, parse: Callable[[str], T], say: Callable[[str], object]) -> T | None:
    """Return what a program has kept in a file; None where there is no file, or none that `parse` can read.

    A file that a full disk or a hand left empty or broken stops nothing: it is set aside and said, and work begins
    anew. `parse` raises ValueError, LookupError, TypeError or AttributeError. Raises OSError.
    """
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        aside = set_aside(path)
        say(f"{path} cannot be read ({type(error).__name__}: {error}): it is {aside.name} now, and begun anew")
        return None


def set_aside(path: Path) -> Path:
    """Keep a file that cannot be used under a dated name beside it; return that name. Raises OSError."""
    aside = path.with_name(f"{path.name}.broken-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S%fZ}")
    path.rename(aside)
    sync_folder(path.parent)
    return aside
