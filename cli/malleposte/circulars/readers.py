"""The agents who opened a circular: a line each in a file beside the message, so that backups take both."""

from __future__ import annotations

import os
from pathlib import Path

from malleposte.circulars.model import Reader
from malleposte.runtime import durable

FILE = "readers"


def every(folder: Path) -> list[Reader]:
    """Return the readers of the message in a folder, each once. A line that a power cut left half does not count."""
    text = _bytes(folder).decode("utf-8", "replace")
    readers: dict[str, Reader] = {}
    for line in text.rpartition("\n")[0].splitlines():
        uid, _space, when = line.partition(" ")
        if uid and when.isdecimal():
            readers.setdefault(uid, Reader(uid, int(when)))
    return list(readers.values())


def find(folder: Path, uid: str) -> Reader | None:
    """Return the note of an agent; None where there is none. A file without the name is not taken apart."""
    if f"{uid} ".encode() not in _bytes(folder):
        return None
    return next((one for one in every(folder) if one.uid == uid), None)


def note(folder: Path, uid: str, now: int) -> bool:
    """Note that an agent opened it; whether that is new."""
    if find(folder, uid):
        return False
    with (folder / FILE).open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")  # a line that a power cut left half does not begin the next one
        file.write(f"{uid} {now}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    durable.sync_folder(folder)
    return True


def erase(folder: Path, uids: frozenset[str]) -> int:
    """Erase agents; return how many there were."""
    text = _bytes(folder)
    if not any(f"{uid} ".encode() in text for uid in uids):
        return 0
    before = every(folder)
    left = [one for one in before if one.uid not in uids]
    if len(left) != len(before):
        durable.write(folder / FILE, "".join(f"{one.uid} {one.time}\n" for one in left))
    return len(before) - len(left)


def _bytes(folder: Path) -> bytes:
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return b""
