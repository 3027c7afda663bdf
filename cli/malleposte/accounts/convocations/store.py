"""Convocations on the directory's host: a file each, 0600, until some time after their last event.

Beside it `IDENT.asked` says that there is something to do; a path unit sees this one.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec

from malleposte.accounts.convocations.model import DAY, Convocation, Stage
from malleposte.core.errors import InputError
from malleposte.platform.idents import is_ident
from malleposte.platform.locks import take, waited
from malleposte.runtime import durable

FOLDER = Path("/var/lib/malleposte/convocations")
LOG = logging.getLogger("malleposte.convocations")


@contextlib.contextmanager
def turn(folder: Path = FOLDER) -> Iterator[None]:
    """Around a change of a convocation: they come one after the other."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with waited(folder / "lock"):
        yield


@contextlib.contextmanager
def sending(folder: Path = FOLDER) -> Iterator[bool]:
    """Around the work of sending; whether no other process does it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "sending").open("a") as file:
        yield take(file)


def keep(one: Convocation, folder: Path = FOLDER) -> None:
    """Write a convocation to its file. Raises OSError."""
    durable.write(folder / f"{one.ident}.json", msgspec.json.encode(one))


def ask(one: Convocation, folder: Path = FOLDER) -> None:
    """Keep a convocation, and have it looked at. Raises OSError."""
    keep(one, folder)
    (folder / f"{one.ident}.asked").touch(0o600)


def asked(folder: Path = FOLDER) -> bool:
    """Whether there is something to do."""
    return next(folder.glob("*.asked"), None) is not None


def begin(folder: Path = FOLDER) -> None:
    """Take the marks away: what is asked from now on is looked at again."""
    for path in folder.glob("*.asked"):
        path.unlink(missing_ok=True)


def has(ident: str, folder: Path = FOLDER) -> bool:
    """Return whether there is a convocation of this name."""
    return is_ident(ident) and (folder / f"{ident}.json").is_file()


def load(ident: str, folder: Path = FOLDER) -> Convocation:
    """Return a convocation. Raises InputError."""
    path = folder / f"{ident}.json"
    if not has(ident, folder):
        raise InputError(f"no convocation {ident}", "`malleposte convocations list` shows them")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Convocation)
    except (msgspec.DecodeError, OSError) as error:
        raise InputError(f"{path}: not a convocation of this program ({error})") from error


def every(folder: Path = FOLDER, word: str = "") -> Iterator[Convocation]:
    """Yield all convocations, the newest first; of a `word`, such as a uid, those alone whose file has it.

    One that cannot be read is logged, and stops no other.
    """
    for path in sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []:
        if word and not has_word(path, word):
            continue
        try:
            yield load(path.stem, folder)
        except InputError as error:
            LOG.error("%s", error)


def has_word(path: Path, word: str) -> bool:
    """Whether a file has a word as a value: it is not taken apart for that, of which an agent's page has thousands.

    So does one that cannot be read.
    """
    try:
        return msgspec.json.encode(word) in path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def standing(name: str, now: float, office: str = "", folder: Path = FOLDER) -> list[Convocation]:
    """Return the convocations of a name that are neither off nor over, of an office (a uid) where one is given."""
    return [
        one for one in every(folder)
        if one.name == name and office in ("", one.office) and one.stage is not Stage.OFF
        and (one.last > now or one.stage is Stage.DRAFT)
    ]  # fmt: skip


def prune(now: float, days: int, folder: Path = FOLDER, *, meeting_days: int = 0) -> list[str]:
    """Remove those whose last event is over for so many days; return their names. Raises OSError.

    `meeting_days` are those of meetings of agents, where they are others.
    """
    gone = list[str]()
    with turn(folder):
        for one in every(folder):
            retention = meeting_days if one.shared and meeting_days else days
            if one.last + retention * DAY < now and one.made + DAY < now:
                (folder / f"{one.ident}.json").unlink(missing_ok=True)
                gone.append(one.ident)
    return gone


class Pace:
    """So many in a minute, whichever process sends them."""

    def __init__(self, per_minute: int, folder: Path = FOLDER) -> None:
        """`per_minute`: the most."""
        self.most, self.path = per_minute, folder / "pace"

    def left(self, now: float) -> int:
        """Return how many may go in this minute."""
        minute, count = self._read()
        return max(0, self.most - (count if minute == int(now // 60) else 0))

    def spend(self, many: int, now: float) -> None:
        """Note some that go. Raises OSError."""
        minute, count = self._read()
        this = int(now // 60)
        durable.write(self.path, f"{this} {(count if minute == this else 0) + many}")

    def _read(self) -> tuple[int, int]:
        try:
            minute, count = self.path.read_text("ascii").split()
            return int(minute), int(count)
        except (OSError, ValueError):
            return 0, 0
