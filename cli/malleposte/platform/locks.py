"""A lock is a file's (flock(2)): it goes with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from malleposte.core.errors import MallepostError


def take(file: IO[str] | IO[bytes] | int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file; False where another holds it, unless this waits. Whoever shares it meets no other sharer."""
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def waited(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock inside the block, once nobody else does."""
    with path.open("a") as file:
        take(file, shared=shared, wait=True)
        yield


@contextlib.contextmanager
def only_one(path: Path, busy: str, hint: str = "wait for its end") -> Iterator[None]:
    """Hold the lock inside the block. Raises MallepostError at once where another does, saying `busy` and who it is."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        if not take(file):
            process = file.read(20).strip()
            raise MallepostError(f"{busy} (process {process})" if process else busy, hint)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
