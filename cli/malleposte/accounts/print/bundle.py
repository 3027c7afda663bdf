"""Files on their way: a tar stream from the host, taken apart into a new folder that its owner alone reads."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from malleposte.core.errors import InputError, MallepostError

MOST_BYTES = 256 << 20
"""Of one file: no part is that large."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def pack(files: Iterable[tuple[str, bytes]], target: IO[bytes]) -> None:
    """Write files to a stream, each as soon as it is made."""
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))


def unpack(source: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Files of such a stream. Raises MallepostError for what no host of ours sends, or when it breaks off."""
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for entry in archive:
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is None or not _NAME.fullmatch(entry.name) or entry.size > MOST_BYTES:
                    raise MallepostError(f"the host sent {entry.name[:80]!r}, which is not a letter")
                content = file.read()
                if len(content) != entry.size:
                    raise MallepostError("the transfer of the letters was interrupted")
                yield entry.name, content
    except tarfile.TarError as error:
        raise MallepostError(f"the transfer of the letters was interrupted ({error})") from error


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A new folder, mode 0700; removed when the work in it fails: half the letters are good for nothing.

    Raises InputError when there is one with something in it.
    """
    try:
        if path.is_dir() and not any(path.iterdir()):
            path.chmod(0o700)
        else:
            path.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "name a new folder with --out") from error
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def keep(folder: Path, name: str, content: bytes) -> None:
    """A file of its own, mode 0600. Raises InputError."""
    try:
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{folder / name}: {error.strerror}") from error
