"""The secrets beside the inventory: those that must be given, those that will be made, and who may read them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from malleposte.check import certificates, plays
from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.fleet.site import PLATFORM, UnknownError, written

LOOKUP = "academie.malleposte.secret"
FOLDER = "secrets"
BLANK = 100
"""Bytes from which a file is not read to see whether it holds anything but blanks."""


def secrets(reader: Reader) -> Iterator[Finding]:
    """Missing certificates, a folder or a file that others can read."""
    folder = reader.sources.folder / FOLDER
    yield from _folder(folder)
    yield from certificates.faults(reader, folder)


def place(reader: Reader) -> Iterator[Finding]:
    """Whether a run could make the secrets."""
    folder = reader.sources.folder / FOLDER
    if not folder.exists() and not os.access(folder.parent, os.W_OK):
        yield Finding(Level.WRONG, "cannot be made: the inventory's folder is not yours to write; use sudo", folder)


def announced(reader: Reader) -> Iterator[Finding]:
    """The names of the secrets that will be made. It evaluates many variables, which takes longer than all else."""
    folder = reader.sources.folder / FOLDER
    names = sorted(to_make(reader))
    if names:
        yield Finding(Level.NOTE, f"will be made at the first run: {', '.join(names)}", folder)


def _folder(folder: Path) -> Iterator[Finding]:
    if not folder.exists():
        return
    if not folder.is_dir():
        yield Finding(Level.WRONG, "is no folder", folder)
        return
    yield from _private(folder, 0o700)
    if os.access(folder, os.R_OK | os.X_OK):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield from _private(path, 0o600)
                yield from _filled(path)


def _filled(path: Path) -> Iterator[Finding]:
    """Whether there is something in a secret: an empty one opens to everybody, or stops its daemon."""
    if path.stat().st_size < BLANK and os.access(path, os.R_OK) and not path.read_bytes().strip():
        yield Finding(Level.WRONG, "is empty: put its content back, or remove the file to have a new one made", path)


def _private(path: Path, mode: int) -> Iterator[Finding]:
    """Whether the path belongs to the user who runs this, and to nobody else."""
    status = path.stat()
    if not os.access(path, os.R_OK):
        yield Finding(Level.WRONG, "cannot be read; run this with sudo", path)
    elif status.st_uid != os.geteuid():
        yield Finding(Level.WRONG, f"belongs to the uid {status.st_uid}: chown it to {os.geteuid()}", path)
    elif stat.S_IMODE(status.st_mode) & 0o077:
        message = f"others may read it (mode {stat.S_IMODE(status.st_mode):04o}): chmod {mode:04o}"
        yield Finding(Level.WRONG, message, path)


def to_make(reader: Reader) -> set[str]:
    """Names of the secrets that a run would make: each variable that asks for one is evaluated, where it is used."""
    used = plays.roles(reader.site)
    for host in reader.site.members(PLATFORM):
        for name, raw in reader.site.variables(host).items():
            if name in ("hostvars", "vars") or LOOKUP not in written(raw):
                continue
            # Any role may read a secret that belongs to none.
            if reader.declared.owner(name) in (None, "malleposte", *used.get(host, ())):
                with contextlib.suppress(UnknownError):
                    reader.site.template(host, raw)
    return set(reader.site.rehearsed)
