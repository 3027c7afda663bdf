"""Messages on disk until everybody has them, or a moderator has decided. A power cut loses none.

A folder a message: `held/ID/` waits for a moderator, `out/ID/` is being sent. In it `message` (as it came),
`about.json`, `recipients` (a line each, written whole before the first is sent) and `done` (how many lines of it have
left, a number a line, on disk after each batch). `again` names those of them whom the mail server put off, `refused`
those whom it refused, with its words; `archived` says that the list's archive had it. `bad/ID/` is a message that
cannot be sent, with the `reason`. A folder is made under `new/` and renamed when it is complete.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from malleposte.core.errors import MallepostError
from malleposte.runtime import durable

Place = Literal["held", "out", "bad"]
ID = re.compile(r"[0-9]{14}-[0-9a-f]{8}")


class DamagedError(MallepostError):
    """A file of a message is not what it must be."""


_GONE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EIO, errno.ELOOP, errno.EUCLEAN}


@contextlib.contextmanager
def _read(path: Path) -> Iterator[None]:
    """Turn errors of reading a file into DamagedError, or OSError when a later try may succeed."""
    try:
        yield
    except OSError as error:
        if error.errno not in _GONE:
            raise
        raise DamagedError(f"{path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path.name}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class About:
    """The facts of a message. `token` opens the moderators' answers; `sender` is the envelope's."""

    list: str
    sender: str
    arrived: float
    token: str = field(default="", repr=False)
    size: int = 0
    subject: str = ""


class Spool:
    """The folders under one root."""

    def __init__(self, root: Path) -> None:
        """Make what is missing; what was half made when the power went is removed."""
        self.root = root
        for name in ("new", "held", "out", "bad"):
            (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (root / "new").iterdir():
            shutil.rmtree(left)

    def put(self, place: Place, about: About, message: bytes, recipients: Sequence[str] | None = None) -> str:
        """Keep a message; its id. It is on disk when this returns."""
        name = f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(about.arrived))}-{secrets.token_hex(4)}"
        fresh = self.root / "new" / name
        fresh.mkdir(mode=0o700)
        durable.write(fresh / "message", message)
        durable.write(fresh / "about.json", json.dumps(asdict(about), ensure_ascii=False))
        if recipients is not None:
            durable.write(fresh / "recipients", "".join(f"{one}\n" for one in recipients))
        fresh.rename(self.root / place / name)
        durable.sync_folder(self.root / place)
        return name

    def ids(self, place: Place) -> list[str]:
        """The identifiers of all messages, the oldest first."""
        return sorted(path.name for path in (self.root / place).iterdir() if ID.fullmatch(path.name))

    def _folder(self, place: Place, name: str) -> Path:
        if not ID.fullmatch(name):
            raise KeyError(name)
        return self.root / place / name

    def about(self, place: Place, name: str) -> About:
        """Return the facts of a message. Raises KeyError when it is not there, DamagedError."""
        folder = self._folder(place, name)
        if not folder.is_dir():
            raise KeyError(name)
        with _read(folder / "about.json"):
            return About(**json.loads((folder / "about.json").read_text("utf-8")))

    def message(self, place: Place, name: str) -> bytes:
        """The message as it came. Raises DamagedError."""
        path = self._folder(place, name) / "message"
        with _read(path):
            return path.read_bytes()

    def release(self, name: str, place: Place = "held") -> None:
        """A message that is held, or could not be sent, goes out."""
        self.about(place, name)
        for mark in ("reason", "told"):
            (self._folder(place, name) / mark).unlink(missing_ok=True)
        self._move(name, place, "out")

    def _move(self, name: str, place: Place, to: Place) -> None:
        self._folder(place, name).rename(self._folder(to, name))
        durable.sync_folder(self.root / to)
        durable.sync_folder(self.root / place)

    # --- what cannot be sent ---

    def quarantine(self, name: str, reason: str) -> None:
        """Put a message aside that cannot be sent, with the reason."""
        durable.write(self._folder("out", name) / "reason", f"{reason}\n")
        self._move(name, "out", "bad")

    def reason(self, name: str) -> str:
        """Return the reason why a message was put aside."""
        try:
            return (self._folder("bad", name) / "reason").read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def untold(self) -> list[str]:
        """Messages put aside of which nobody has been told."""
        return [name for name in self.ids("bad") if not (self._folder("bad", name) / "told").exists()]

    def mark_told(self, name: str) -> None:
        """Somebody has been told of a message put aside."""
        durable.write(self._folder("bad", name) / "told", b"")

    def drop(self, place: Place, name: str) -> None:
        """Remove a message: it leaves its place at once, then its files go."""
        gone = self.root / "new" / f"gone-{name}"
        self._folder(place, name).rename(gone)
        durable.sync_folder(self.root / place)
        shutil.rmtree(gone)

    # --- who has it ---

    def recipients(self, name: str) -> list[str] | None:
        """All of them in their order; None before they were settled. Raises DamagedError."""
        path = self._folder("out", name) / "recipients"
        with _read(path):
            return path.read_text("utf-8").splitlines() if path.exists() else None

    def settle(self, name: str, recipients: Sequence[str]) -> None:
        """Settle who gets it, once."""
        durable.write(self._folder("out", name) / "recipients", "".join(f"{one}\n" for one in recipients))

    def done(self, name: str) -> int:
        """Return the number of recipients that are done. Raises DamagedError."""
        whole = self._lines(name, "done")
        with _read(Path("done")):
            return int(whole[-1]) if whole else 0

    def note(self, name: str, count: int) -> None:
        """So many of them were seen to, on disk."""
        self._append(name, "done", [str(count)])

    def again(self, name: str) -> list[str]:
        """Return the recipients that are deferred and tried again, each once. Raises DamagedError."""
        return list(dict.fromkeys(self._lines(name, "again")))

    def put_off(self, name: str, recipients: Sequence[str], whole: bool = False) -> None:
        """Note deferred recipients on disk: these besides those noted before, or (`whole`) these alone."""
        if not whole:
            self._append(name, "again", recipients)
            return
        durable.write(self._folder("out", name) / "again", "".join(f"{one}\n" for one in recipients))

    def refused(self, name: str) -> list[str]:
        """A line for each recipient that was refused, with the words. Raises DamagedError."""
        return list(dict.fromkeys(self._lines(name, "refused")))

    def refuse(self, name: str, lines: Sequence[str]) -> None:
        """Note refused recipients on disk."""
        self._append(name, "refused", lines)

    def archived(self, name: str) -> bool:
        """Whether the list's archive had the message."""
        return (self._folder("out", name) / "archived").exists()

    def note_archived(self, name: str) -> None:
        """Note on disk that the list's archive had it."""
        durable.write(self._folder("out", name) / "archived", b"")

    def _lines(self, name: str, part: str) -> list[str]:
        """Lines of a file that grows. A last one that a power cut left half written does not count."""
        path = self._folder("out", name) / part
        with _read(path):
            text = path.read_text("utf-8") if path.exists() else ""
        return text.rpartition("\n")[0].splitlines()

    def _append(self, name: str, part: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        with (self._folder("out", name) / part).open("a+b") as file:
            # A line that a power cut left half written must not begin the next one.
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> Iterator[dict[str, object]]:
        """All messages, for an operator."""
        places: tuple[Place, ...] = ("held", "out", "bad")
        for place in places:
            for name in self.ids(place):
                try:
                    yield self._row(place, name)
                except KeyError:
                    continue  # it left in the meantime

    def _row(self, place: Place, name: str) -> dict[str, object]:
        reason = self.reason(name) if place == "bad" else ""
        try:
            about = self.about(place, name)
            row: dict[str, object] = {"id": name, "place": place, **asdict(about)}
            if place == "out":
                everybody = self.recipients(name)
                row |= {"done": self.done(name), "recipients": None if everybody is None else len(everybody)}
        except DamagedError as error:
            unknown = About("", "", 0.0)
            row, reason = {"id": name, "place": place, **asdict(unknown)}, reason or str(error)
        del row["token"]
        return row | ({"reason": reason} if reason else {})
