"""The room of what was deleted for good, which no quota counts: beyond its bound the oldest messages of a box end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from malleposte.platform.mailstore import EXPUNGED

_NAME = re.compile(r"(?P<filed>[0-9]{1,12})\..*?,S=(?P<size>[0-9]{1,15})[,:]")
"""A file's name as Dovecot writes it: the second of filing, the octets of the message before compression."""
SHARE = 0.9
"""The part of the bound that is left, so that the next message does not bring the next look."""


def trim(home: Path, most: int) -> int:
    """Remove the oldest expunged messages of a box where all take more than `most` octets; return how many.

    Dovecot takes a file that went for a message that was expunged elsewhere. Raises OSError.
    """
    messages = sorted(_messages(home / EXPUNGED))
    room, removed = sum(size for _filed, size, _path in messages), 0
    if room <= most:
        return 0
    for _filed, size, path in messages:
        if room <= most * SHARE:
            break
        Path(path).unlink(missing_ok=True)
        room -= size
        removed += 1
    return removed


def _messages(folder: Path) -> Iterator[tuple[int, int, str]]:
    """Yield the second of filing, the size in octets and the path of each message."""
    for mailbox in folder.glob(".*"):
        for part in ("cur", "new"):
            try:
                with os.scandir(mailbox / part) as entries:
                    for entry in entries:
                        if known := _NAME.match(entry.name + ":"):
                            yield int(known["filed"]), int(known["size"]), entry.path
                        elif entry.is_file(follow_symlinks=False):
                            stat = entry.stat(follow_symlinks=False)
                            yield int(stat.st_mtime), stat.st_size, entry.path
            except FileNotFoundError:
                continue
