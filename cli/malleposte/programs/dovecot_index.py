"""Index for search the large folders that no search has indexed, or not of late (role dovecot).

Usage: dovecot-index STORE MESSAGES

A delivery indexes nothing (docs/adr/0015-cheap-delivery.md), and Dovecot refuses the first search where its index takes
more than half a minute to make. So folders of that many messages, wherever they came from, are brought up to date by
night. What is indexed already is not read again; what a night has no time for is left to the next.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from malleposte.adapters import dovecot
from malleposte.backup.restore.mail import maildir
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import BUCKETS, MAILDIR
from malleposte.runtime import owner

NIGHT = 4 * 3600.0
"""Seconds after which no other folder is begun."""
_SHORTEST = 16
"""Bytes of a line of `dovecot-uidlist` at least: what is smaller is not read."""


def large(store: Path, messages: int) -> Iterator[tuple[str, str]]:
    """The uid and the folder's name, where a folder has so many messages."""
    for bucket in BUCKETS:
        with owner.as_owner(store / bucket):
            found = [
                (home.name, name)
                for home in sorted((store / bucket).glob("*"))
                if is_uid(home.name)
                for name, folder in maildir.folders(home / MAILDIR).items()
                if _holds(folder / maildir.UIDLIST, messages)
            ]
        yield from found


def _holds(uidlist: Path, messages: int) -> bool:
    """Whether the list has so many lines below its header."""
    try:
        if uidlist.lstat().st_size < messages * _SHORTEST:
            return False
        return owner.read(uidlist).count(b"\n") > messages
    except OSError:  # no mail came yet, or the box goes at this moment
        return False


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 2 or not words[1].isdigit():
        print("usage: dovecot-index STORE MESSAGES", file=sys.stderr)
        return 2
    end, failures = time.monotonic() + NIGHT, list[str]()
    for uid, folder in large(Path(words[0]), int(words[1])):
        if time.monotonic() > end:
            print(f"not all large folders are indexed: the next night goes on from {uid}", file=sys.stderr)
            break
        with named(failures.append, f"{uid}/{folder}"):
            dovecot.index(uid, folder)
    for failure in failures:
        print(f"<4>not indexed: {failure}", file=sys.stderr)
    return 1 if failures else 0
