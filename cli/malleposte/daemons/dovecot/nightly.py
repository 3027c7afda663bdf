"""The night job of the mail store: expunged and sealed messages whose time is over go, large folders are indexed.

Usage: dovecot-nightly STORE DAYS SEALED_DAYS MESSAGES

Dovecot itself removes what was expunged DAYS ago when a session ends; this is for the boxes that nobody opens, and for
sealed messages after SEALED_DAYS, which no session reaches. With 0 days everything goes. Folders in which nothing is
left go as well.

A delivery indexes nothing (docs/adr/0015-cheap-delivery.md), and Dovecot refuses the first search where its index takes
more than half a minute to make. So folders of MESSAGES, wherever they came from, are brought up to date by night. What
is indexed already is not read again; what a night has no time for is left to the next.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.adapters import dovecot
from malleposte.backup.restore.mail import maildir
from malleposte.core.loops import named
from malleposte.platform import expunged
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import (
    BUCKETS,
    EXPUNGED,
    EXPUNGED_ROOT,
    MAILDIR,
    SEALED,
    SEALED_ROOT,
    home_of,
)
from malleposte.runtime import owner

LONGEST = 4 * 3600.0
"""Seconds that each part may take: a removal altogether, the index until its last folder is begun."""
_SHORTEST = 16
"""Bytes of a line of `dovecot-uidlist` at least: what is smaller is not read."""


@dataclass(frozen=True)
class Place:
    """A namespace that holds messages for a time: its folder in a box, its prefix, its mailboxes."""

    folder: str
    prefix: str
    mailboxes: str

    def holders(self, store: Path) -> Iterator[str]:
        """Yield the uids of the boxes that hold such messages."""
        for bucket in BUCKETS:
            for folder in sorted((store / bucket).glob(f"*/{self.folder}")):
                if is_uid(folder.parent.name):
                    yield folder.parent.name

    def empty(self, home: Path) -> Iterator[str]:
        """Yield the mailboxes without a message in a box."""
        for mailbox in sorted((home / self.folder).glob(".*")):
            if not any(next((mailbox / part).iterdir(), None) for part in ("cur", "new") if (mailbox / part).is_dir()):
                yield f"{self.prefix}{mailbox.name[1:].replace('.', '/')}"

    def remove(self, store: Path, days: int) -> list[str]:
        """Remove what came there so many days ago; return the failures, a line each."""
        failures: list[str] = []
        uids = list(self.holders(store))
        if not uids:
            return failures
        if self.folder == EXPUNGED:
            for uid in uids:
                with named(failures.append, uid), owner.as_owner(store):
                    expunged.drop_living(home_of(uid, store))
        failures += self._expunge(uids, ["SAVEDBEFORE", f"{days}d"] if days else ["ALL"])
        for uid in uids:
            with named(failures.append, uid):
                for name in self.empty(home_of(uid, store)):
                    # A message that came meanwhile keeps its folder (-e).
                    dovecot.doveadm("mailbox", "delete", "-u", uid, "-e", "--", name, check=False)
        return failures

    def _expunge(self, uids: Sequence[str], ended: Sequence[str], *, part: bool = False) -> list[str]:
        """Remove messages from boxes, many at once; in halves where one of them ends the run. Return the failures."""
        whose = f" of {uids[0]}" if part and len(uids) == 1 else ""
        failures = list[str]()
        with dovecot.user_file(uids) as path, named(failures.append, f"{self.folder} messages{whose} stay"):
            dovecot.doveadm("expunge", "-F", path, "mailbox", self.mailboxes, *ended, timeout=LONGEST)
        if len(uids) > 1 and any(dovecot.ENDED in line for line in failures):
            half = len(uids) // 2
            return self._expunge(uids[:half], ended, part=True) + self._expunge(uids[half:], ended, part=True)
        return failures


EXPUNGED_PLACE = Place(EXPUNGED, EXPUNGED_ROOT, f"{EXPUNGED_ROOT}*")
SEALED_PLACE = Place(SEALED, SEALED_ROOT, f"{SEALED_ROOT}*")


def large(store: Path, messages: int) -> Iterator[tuple[str, str]]:
    """Yield the uid and the folder's name, where a folder has so many messages."""
    for bucket in BUCKETS:
        with owner.as_owner(store / bucket):
            folders = [
                (home.name, name)
                for home in sorted((store / bucket).glob("*"))
                if is_uid(home.name)
                for name, folder in maildir.folders(home / MAILDIR).items()
                if _holds(folder / maildir.UIDLIST, messages)
            ]
        yield from folders


def _holds(uidlist: Path, messages: int) -> bool:
    """Return whether the list has so many lines below its header."""
    try:
        if uidlist.lstat().st_size < messages * _SHORTEST:
            return False
        return owner.read(uidlist).count(b"\n") > messages
    except OSError:  # no mail came yet, or the box goes at this moment
        return False


def index_large(store: Path, messages: int) -> list[str]:
    """Index the folders that have so many messages; return the failures, a line each."""
    end, failures = time.monotonic() + LONGEST, list[str]()
    for uid, folder in large(store, messages):
        if time.monotonic() > end:
            print(f"not all large folders are indexed: the next night goes on from {uid}", file=sys.stderr)
            break
        with named(failures.append, f"not indexed: {uid}/{folder}"):
            dovecot.index(uid, folder)
    return failures


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 4 or not all(word.isdigit() for word in words[1:]):
        print("usage: dovecot-nightly STORE DAYS SEALED_DAYS MESSAGES", file=sys.stderr)
        return 2
    store, (days, sealed_days, messages), failed = Path(words[0]), map(int, words[1:]), 0
    for step, number, level in (
        (EXPUNGED_PLACE.remove, days, 3), (SEALED_PLACE.remove, sealed_days, 3), (index_large, messages, 4),
    ):  # fmt: skip
        failures: list[str] = []
        with named(failures.append, step.__name__):
            failures += step(store, number)
        for failure in failures:
            print(f"<{level}>{failure}", file=sys.stderr)
            failed = 1
    return failed
