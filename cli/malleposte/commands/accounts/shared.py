"""Common parts of the accounts commands: options, private files, progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from malleposte.commands.options import answer
from malleposte.core.errors import InputError
from malleposte.core.progress import duration

GROUP = "directory"


def read_bytes(path: Path, most: int) -> bytes:
    """A file's content, or standard input for `-`. Raises InputError, for one of more than `most` bytes too."""
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(content) > most:
        raise InputError(f"{path}: more than {most >> 20} MB; no file of this kind is that large")
    return content


def emit(pieces: Iterable[str]) -> None:
    """Print a long document (UTF-8) without holding it whole."""
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()


def show(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing, a line a field, or as JSON."""
    width = max(map(len, row)) + 1
    lines = (
        f"{name:<{width}} {', '.join(value) if isinstance(value, list) else value or '—'}"
        for name, value in row.items()
    )
    answer(row, lines, as_json=as_json)


def write_private(path: Path, text: str | Iterable[str]) -> None:
    """A file that its owner alone reads: it holds names, or the rows as they came."""
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines([text] if isinstance(text, str) else text)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


class Meter:
    """Progress with rate and time left, on standard error: a line every two seconds of work."""

    def __init__(self, *, quiet: bool, what: str = "") -> None:
        """`what` is counted, at the beginning of each line."""
        self.what = what
        self.quiet, self.begun = quiet, time.monotonic()
        self.last = self.begun

    def __call__(self, done: int, whole: int) -> None:
        """Tell how far the work is."""
        now = time.monotonic()
        if self.quiet or (now - self.last < 2 and done < whole) or (done == whole and now - self.begun < 2):
            return
        self.last = now
        rate = done / max(now - self.begun, 0.001)
        left = duration((whole - done) / rate) if rate else "?"
        click.echo(f"{self.what}{done} of {whole}, {rate:.0f} a second, {left} left", err=True)
