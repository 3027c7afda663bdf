"""Retractions on the directory's host: a file each, 0600, for as long as they can be taken back."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from malleposte.accounts.retraction.model import Retraction
from malleposte.core.errors import InputError
from malleposte.runtime import durable

FOLDER = Path("/var/lib/malleposte/retractions")
DAYS = 30
_IDENT = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


def new_ident(now: datetime.datetime) -> str:
    """Return an identifier that no retraction has."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def is_ident(word: str) -> bool:
    """Whether a word has the form of an identifier."""
    return _IDENT.fullmatch(word) is not None


def keep(one: Retraction, folder: Path = FOLDER) -> None:
    """Write a retraction to its file. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write(folder / f"{one.ident}.json", msgspec.json.format(msgspec.json.encode(one), indent=1))


def prune(now: datetime.datetime, folder: Path = FOLDER) -> None:
    """Remove those that can no longer be taken back. Raises OSError."""
    oldest = (now - datetime.timedelta(days=DAYS)).timestamp()
    for path in folder.glob("*.json"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def load(ident: str, folder: Path = FOLDER) -> Retraction:
    """Return a retraction. Raises InputError."""
    path = folder / f"{ident}.json"
    if not is_ident(ident) or not path.is_file():
        raise InputError(f"no retraction {ident}", "`malleposte mail retractions` lists them")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Retraction)
    except (msgspec.DecodeError, OSError) as error:
        raise InputError(f"{path}: not a retraction of this program ({error})") from error


def every(folder: Path = FOLDER) -> Iterator[Retraction]:
    """Yield all retractions, the newest first. Raises InputError for one that cannot be read."""
    for path in sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []:
        yield load(path.stem, folder)
