"""Remove the messages whose time of grace is over, of every box that holds some (role dovecot).

Usage: dovecot-expunged STORE DAYS

Dovecot does so itself when a session ends; this is for the boxes that nobody opens. With 0 days everything goes.
Folders in which nothing is left go as well.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from malleposte.accounts.mailbox.deleted import ROOT
from malleposte.adapters.dovecot import doveadm
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import BUCKETS, EXPUNGED, home_of

NAMESPACE = "EXPUNGED/"


def holders(store: Path) -> Iterator[str]:
    """The uids of the boxes that hold expunged messages."""
    for bucket in BUCKETS:
        for folder in sorted((store / bucket).glob(f"*/{EXPUNGED}")):
            if is_uid(folder.parent.name):
                yield folder.parent.name


def empty(folder: Path) -> Iterator[str]:
    """The mailboxes without a message among the expunged ones of a box."""
    for maildir in sorted(folder.glob(".*")):
        if not any(next((maildir / part).iterdir(), None) for part in ("cur", "new") if (maildir / part).is_dir()):
            yield f"{NAMESPACE}{maildir.name[1:].replace('.', '/')}"


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 2 or not words[1].isdigit():
        print("usage: dovecot-expunged STORE DAYS", file=sys.stderr)
        return 2
    uids = list(holders(Path(words[0])))
    if not uids:
        return 0
    with tempfile.NamedTemporaryFile("w", prefix="expunged-", encoding="utf-8") as file:
        file.writelines(f"{uid}\n" for uid in uids)
        file.flush()
        failures: list[str] = []
        with named(failures.append, "expunged messages stay"):
            doveadm("expunge", "-F", file.name, "mailbox", f"{ROOT}*", *_ended(int(words[1])))
        for uid in uids:
            with named(failures.append, uid):
                for name in empty(home_of(uid, Path(words[0])) / EXPUNGED):
                    # A message that came meanwhile keeps its folder (-e).
                    doveadm("mailbox", "delete", "-u", uid, "-e", "--", name, check=False)
    for failure in failures:
        print(f"<3>{failure}", file=sys.stderr)
    return 1 if failures else 0


def _ended(days: int) -> list[str]:
    return ["SAVEDBEFORE", f"{days}d"] if days else ["ALL"]
