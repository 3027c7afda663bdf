"""Messages on disk until everybody has them, or a moderator has spoken. A power cut loses none.

A folder a message: `held/ID/` waits for a moderator, `out/ID/` is being sent. In it `message` (as it came),
`about.json`, `recipients` (a line each, written whole before the first is sent) and `done` (how many lines of it have
left, a number a line, on disk after each batch). A folder is made under `new/` and renamed when it is complete.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Place = Literal["held", "out"]
ID = re.compile(r"[0-9]{14}-[0-9a-f]{8}")


@dataclass(frozen=True)
class About:
    """What is known of a message. `token` opens the moderators' answers; `sender` is the envelope's."""

    list: str
    sender: str
    arrived: float
    token: str = ""
    size: int = 0
    subject: str = ""


def _synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Spool:
    """The folders under one root."""

    def __init__(self, root: Path) -> None:
        """Make what is missing; what was half made when the power went is removed."""
        self.root = root
        for name in ("new", "held", "out"):
            (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (root / "new").iterdir():
            shutil.rmtree(left)

    def put(self, place: Place, about: About, message: bytes, recipients: Sequence[str] | None = None) -> str:
        """Keep a message; its id. It is on disk when this returns."""
        name = f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(about.arrived))}-{secrets.token_hex(4)}"
        made = self.root / "new" / name
        made.mkdir(mode=0o700)
        _synced(made / "message", message)
        _synced(made / "about.json", json.dumps(asdict(about), ensure_ascii=False).encode())
        if recipients is not None:
            _synced(made / "recipients", "".join(f"{one}\n" for one in recipients).encode())
        _sync_folder(made)
        made.rename(self.root / place / name)
        _sync_folder(self.root / place)
        return name

    def ids(self, place: Place) -> list[str]:
        """What is there, the oldest first."""
        return sorted(path.name for path in (self.root / place).iterdir() if ID.fullmatch(path.name))

    def _folder(self, place: Place, name: str) -> Path:
        if not ID.fullmatch(name):
            raise KeyError(name)
        return self.root / place / name

    def about(self, place: Place, name: str) -> About:
        """What is known of a message. Raises KeyError when it is not there."""
        try:
            return About(**json.loads((self._folder(place, name) / "about.json").read_text("utf-8")))
        except FileNotFoundError as error:
            raise KeyError(name) from error

    def message(self, place: Place, name: str) -> bytes:
        """The message as it came."""
        return (self._folder(place, name) / "message").read_bytes()

    def release(self, name: str) -> None:
        """A held message goes out."""
        self.about("held", name)
        self._folder("held", name).rename(self._folder("out", name))
        _sync_folder(self.root / "out")
        _sync_folder(self.root / "held")

    def drop(self, place: Place, name: str) -> None:
        """Remove a message: it leaves its place at once, then its files go."""
        gone = self.root / "new" / f"gone-{name}"
        self._folder(place, name).rename(gone)
        _sync_folder(self.root / place)
        shutil.rmtree(gone)

    # --- who has it ---

    def recipients(self, name: str) -> list[str] | None:
        """All of them in their order; None before they were settled."""
        try:
            return (self._folder("out", name) / "recipients").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None

    def settle(self, name: str, recipients: Sequence[str]) -> None:
        """Settle who gets it, once."""
        folder = self._folder("out", name)
        _synced(folder / "recipients.new", "".join(f"{one}\n" for one in recipients).encode())
        (folder / "recipients.new").rename(folder / "recipients")
        _sync_folder(folder)

    def done(self, name: str) -> int:
        """How many of them have it. A last line that a power cut left half written does not count."""
        try:
            text = (self._folder("out", name) / "done").read_text("utf-8")
        except FileNotFoundError:
            return 0
        whole = text.rpartition("\n")[0].splitlines()
        return int(whole[-1]) if whole else 0

    def note(self, name: str, count: int) -> None:
        """So many of them have it, on disk."""
        with (self._folder("out", name) / "done").open("a", encoding="utf-8") as file:
            file.write(f"{count}\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> Iterator[dict[str, object]]:
        """All messages, for an operator."""
        places: tuple[Place, ...] = ("held", "out")
        for place in places:
            for name in self.ids(place):
                about = self.about(place, name)
                row: dict[str, object] = {"id": name, "place": place, **asdict(about)}
                del row["token"]
                if place == "out":
                    everybody = self.recipients(name)
                    row |= {"done": self.done(name), "recipients": None if everybody is None else len(everybody)}
                yield row
