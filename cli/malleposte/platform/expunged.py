"""The files of what was deleted for good: copies of what lives elsewhere go, and the oldest beyond a bound.

Dovecot copies what is expunged from a folder to `.EXPUNGED/` as a further name of the same file. It does so for a MOVE
as well: `lazy_expunge_only_last_instance`, which would leave that out, loses every second message of a batch in 2.4.1.
So what has a name outside as well was moved or copied, not deleted, and is taken out here. Dovecot takes a file that
went for a message that was expunged elsewhere. For the owner of the store.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from malleposte.platform.mailstore import EXPUNGED

SHARE = 0.9
"""The part of the bound that is left, so that the next message does not bring the next look."""
_NAME = re.compile(r"(?P<filed>[0-9]{1,12})\.[^,]*,S=(?P<size>[0-9]{1,15})[,:]")
"""A file's name as Dovecot writes it: the second of filing, the octets of the message before compression."""


@dataclass(frozen=True, order=True)
class Message:
    """The second of filing, the octets, and the file, by its path and its inode."""

    filed: int
    size: int
    path: str
    inode: int


def drop_living(home: Path, since: float = 0.0) -> int:
    """Remove messages that lie in another folder as well; return how many. Raises OSError.

    Those alone that were filed at `since` (seconds since 1970) or later, which is quicker.
    """
    copies, removed = defaultdict[int, list[Message]](list), 0
    for one in _messages(home):
        copies[one.inode].append(one)
    for same in copies.values():
        if max(one.filed for one in same) < int(since):
            continue
        try:
            outside = Path(same[0].path).lstat().st_nlink > len(same)
        except FileNotFoundError:
            continue
        for one in same if outside else ():
            Path(one.path).unlink(missing_ok=True)
            removed += 1
    return removed


def trim(home: Path, most: int) -> int:
    """Remove the oldest messages of a box where all take more than `most` octets; return how many. Raises OSError."""
    messages = sorted(_messages(home))
    room, removed = sum(one.size for one in messages), 0
    if room <= most:
        return 0
    for one in messages:
        if room <= most * SHARE:
            break
        Path(one.path).unlink(missing_ok=True)
        room -= one.size
        removed += 1
    return removed


def _messages(home: Path) -> Iterator[Message]:
    for mailbox in (home / EXPUNGED).glob(".*"):
        for part in ("cur", "new"):
            try:
                with os.scandir(mailbox / part) as entries:
                    yield from map(_message, entries)
            except FileNotFoundError:
                continue


def _message(entry: os.DirEntry[str]) -> Message:
    match = _NAME.match(f"{entry.name}:")
    if match:
        return Message(int(match["filed"]), int(match["size"]), entry.path, entry.inode())
    stat = entry.stat(follow_symlinks=False)
    return Message(int(stat.st_mtime), stat.st_size, entry.path, entry.inode())
