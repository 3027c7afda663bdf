"""The files of « À envoyer » in a box, by their names: a message that was moved, deleted or laid there again is not
the one of an order. For root, as the owner of the store.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.later import letter
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import MallepostError
from malleposte.platform.mailstore import MAILDIR, STORE, home_of
from malleposte.runtime import owner, zstd

SENT, DRAFTS = "Envoyés", "Brouillons"
LARGEST = 60_000_000
"""Bytes of a message, a little more than the mail server takes."""
SECONDS = 120.0
NEWEST = 50
"""Files of a folder that are compared with a message that was just laid there."""
_TIME = re.compile(r"([0-9]{1,12})\.(?:M([0-9]{1,6}))?")


def place(uid: str, folder: str, root: Path = STORE) -> Path:
    """The folder of a box, as Dovecot makes its path."""
    return home_of(uid, root) / MAILDIR / f".{folder.replace('/', '.')}"


def names(uid: str, folder: str, root: Path = STORE) -> dict[str, Path]:
    """The messages of a folder: the name without flags, and the file."""
    here = place(uid, folder, root)
    with owner.as_owner(root):
        return {path.name.partition(":")[0]: path for part in ("new", "cur") for path in _files(here / part)}


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(one.path) for one in entries]
    except FileNotFoundError:
        return []


def read(path: Path) -> bytes:
    """A message. Raises OSError, MallepostError."""
    try:
        text = zstd.plain(owner.read(path))
    except zstd.StoredMailError as error:
        raise MallepostError(f"{path}: {error}") from error
    if len(text) > LARGEST:
        raise MallepostError(f"{path}: more than {LARGEST} bytes")
    return text


def newest(there: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """The messages of a folder that came last, the latest first."""
    yield from sorted(there.items(), key=lambda one: _laid(one[0]), reverse=True)[:NEWEST]


def _laid(name: str) -> tuple[int, int]:
    parts = _TIME.match(name)
    return (int(parts[1]), int(parts[2] or 0)) if parts else (0, 0)


def subject(path: Path) -> str:
    """The subject of a message; empty where it cannot be read."""
    try:
        return letter.subject(letter.split(read(path))[0])
    except (OSError, MallepostError):
        return ""


def move(uid: str, folder: str, name: str, target: str, *, seen: bool, root: Path = STORE) -> None:
    """Move a message to another folder of the box; nothing where it is not there any more. Raises MallepostError."""
    number = _number(uid, folder, name, root)
    if not number:
        return
    which = ("mailbox", folder, "UID", number)
    if seen:
        doveadm("flags", "add", "-u", checked(uid), "--", "\\Seen", *which, timeout=SECONDS)
        doveadm("flags", "remove", "-u", checked(uid), "--", "\\Draft", *which, timeout=SECONDS)
    doveadm("move", "-u", checked(uid), "--", target, *which, timeout=SECONDS)


def _number(uid: str, folder: str, name: str, root: Path) -> str:
    """The number (UID) of a file in its folder, by Dovecot's own list; empty where it is gone."""
    if name not in names(uid, folder, root):
        return ""
    # Dovecot takes what came into its list first.
    doveadm("mailbox", "status", "-u", checked(uid), "--", "messages", folder, timeout=SECONDS)
    lines = owner.read(place(uid, folder, root) / "dovecot-uidlist").decode("utf-8", "replace").splitlines()
    for line in lines[1:]:
        head, _colon, file = line.partition(" :")
        if file.partition(":")[0] == name and (number := head.partition(" ")[0]).isdecimal():
            return number
    raise MallepostError(f"{uid}: {folder}: Dovecot does not list {name}")
