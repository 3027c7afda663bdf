"""Retractions on the directory's host: a file each, 0600, for as long as they can be taken back.

Beside it lies `IDENT.asked` while an order of the DSI's page waits; a path unit sees this one.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from malleposte.accounts.retraction.model import Order, Retraction
from malleposte.core.errors import InputError
from malleposte.platform.idents import is_ident
from malleposte.platform.locks import only_one, waited
from malleposte.runtime import durable

FOLDER = Path("/var/lib/malleposte/retractions")
DAYS = 30


def keep(one: Retraction, folder: Path = FOLDER) -> None:
    """Write a retraction to its file. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write(folder / f"{one.ident}.json", msgspec.json.format(msgspec.json.encode(one), indent=1))


def prune(now: datetime.datetime, folder: Path = FOLDER) -> None:
    """Remove those that can no longer be taken back. Raises OSError."""
    oldest = (now - datetime.timedelta(days=DAYS)).timestamp()
    for path in folder.glob("*.json"):
        if path.stat().st_mtime < oldest:
            remove(path.stem, folder)


def remove(ident: str, folder: Path = FOLDER) -> None:
    """Remove a retraction. Raises OSError."""
    for suffix in (".lock", ".json"):
        (folder / f"{ident}{suffix}").unlink(missing_ok=True)


def has(ident: str, folder: Path = FOLDER) -> bool:
    """Return whether there is a retraction of this name."""
    return is_ident(ident) and (folder / f"{ident}.json").is_file()


def load(ident: str, folder: Path = FOLDER) -> Retraction:
    """Return a retraction. Raises InputError."""
    path = folder / f"{ident}.json"
    if not has(ident, folder):
        raise InputError(f"no retraction {ident}", "`malleposte mail retractions` lists them")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Retraction)
    except (msgspec.DecodeError, OSError) as error:
        raise InputError(f"{path}: not a retraction of this program ({error})") from error


def every(folder: Path = FOLDER, broken: Callable[[str], object] | None = None) -> Iterator[Retraction]:
    """Yield all retractions, the newest first. One that cannot be read is told to `broken`, else InputError raised."""
    for path in sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []:
        try:
            yield load(path.stem, folder)
        except InputError as error:
            if broken is None:
                raise
            broken(str(error))


def alone(ident: str, folder: Path = FOLDER) -> AbstractContextManager[None]:
    """Around the work on a retraction. Raises MallepostError where somebody else works on it."""
    return only_one(folder / f"{ident}.lock", f"{ident} is being worked on")


@contextlib.contextmanager
def turn(folder: Path = FOLDER) -> Iterator[None]:
    """Around a change of an order: they come one after the other."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with waited(folder / "lock"):
        yield


def order(one: Retraction, folder: Path = FOLDER) -> None:
    """Keep a retraction with its order, and have it carried out. Raises OSError."""
    keep(one, folder)
    (folder / f"{one.ident}.asked").touch(0o600)


def ordered(folder: Path = FOLDER) -> list[str]:
    """Return the identifiers of those with an order, the oldest first."""
    return sorted(path.stem for path in folder.glob("*.asked"))


def carried_out(ident: str, one: Retraction | None, folder: Path = FOLDER) -> None:
    """Keep what came of an order, which is no more. `one` is None where there is no such retraction. Raises OSError."""
    with turn(folder):
        if one is not None:
            one.order = Order.NONE
            keep(one, folder)
        (folder / f"{ident}.asked").unlink(missing_ok=True)
