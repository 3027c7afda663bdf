# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a crash leaves whole, old or new. Standard library only."""

from __future__ import annotations

import contextlib
import os
import tempfile


def write_durably(path: str, content: bytes, uid: int, gid: int, mode: int) -> None:
    """Write beside the target, sync, rename over it; its folder is made. Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".malleposte-")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fchown(handle.fileno(), uid, gid)
            os.fchmod(handle.fileno(), mode)
            os.fsync(handle.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
