"""Requests of a restore to Dovecot: doveadm, on the host of the store."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path

from malleposte.adapters.dovecot import ENDED, doveadm, forget, index, kick, sessions, unserved, user_file
from malleposte.backup.restore.mail import maildir as layout
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import MAILDIR, SHARES
from malleposte.runtime import owner

AT_ONCE, WORKERS = 500, 4
"""Boxes of one doveadm, and those that run at the same time."""


class Dovecot:
    """The running Dovecot of this host."""

    patience = 20.0
    """Seconds to wait for sessions to end."""

    def home(self, uid: str) -> Path:
        """Return the folder of a box. Raises InputError when the directory knows no such box."""
        done = doveadm("user", "-f", "home", uid, check=False)
        text = done.stdout.strip()
        if done.returncode != 0 or not text.startswith("/"):
            raise InputError(
                f"account {uid}: no such mailbox in the directory",
                "restore its entry first: backup restore directory; the mailbox of a suspended account: add --closed",
            )
        return Path(text)

    def end_sessions(self, uid: str) -> int:
        """End the agent's sessions, wait until none is left, and return their number."""
        begun, first = time.monotonic(), None
        while True:
            left = sessions(uid)
            first = left if first is None else first
            if not left:
                return first
            if time.monotonic() - begun > self.patience:
                raise MallepostError(
                    f"account {uid}: {left} sessions do not close", "look at 'doveadm who', run this again"
                )
            kick(uid)
            time.sleep(0.2)

    def modseqs(self, uid: str) -> dict[str, int]:
        """HIGHESTMODSEQ by folder; empty when the box cannot be read."""
        done = doveadm("-f", "json", "mailbox", "status", "-u", uid, "highestmodseq", "*", check=False)
        if done.returncode != 0:
            return {}
        return {row["mailbox"]: int(row["highestmodseq"]) for row in json.loads(done.stdout)}

    def renew(self, uid: str, modseqs: dict[str, int]) -> None:
        """Drop what is cached about a box, count its size, share what its ACLs say, count on from these MODSEQs.

        Search needs an index again, which an archive has not: Dovecot's indexer is asked for it.
        """
        forget([uid], check=False)
        if modseqs:
            self.count_on(uid, max(modseqs.values()))
        doveadm("quota", "recalc", "-u", uid)
        doveadm("acl", "recalc", "-u", uid, check=False)
        for name in self._filled(uid):
            index(uid, name, queued=True)

    def count_on(self, uid: str, modseq: int) -> None:
        """Let the HIGHESTMODSEQ of folders with messages be above `modseq`: who remembers less asks for all again.

        To be called while they have no index: the messages then are newer than what anybody remembers.
        """
        for name in self._filled(uid):
            doveadm("mailbox", "update", "-u", uid, "--min-highest-modseq", str(modseq + 1), "--", name, check=False)

    def _filled(self, uid: str) -> list[str]:
        return filled(self.home(uid))

    def count(self, uid: str) -> int:
        """Messages of a box, as Dovecot sees them."""
        done = doveadm("-f", "json", "mailbox", "status", "-u", uid, "messages", "*")
        return sum(int(row["messages"]) for row in json.loads(done.stdout) if not row["mailbox"].startswith(SHARES))

    def adopt(self, uid: str, maildir: Path, parent: str) -> None:
        """Copy all messages of a foreign maildir into a box, below the folder `parent` (empty: into place).

        The foreign folders' names are in modified UTF-7.
        """
        doveadm("import", "-u", uid, "--", f"maildir:{maildir}", parent, "all")

    def subscribe(self, uid: str, folders: Sequence[str]) -> None:
        """Let clients show these folders."""
        if folders:
            doveadm("mailbox", "subscribe", "-u", uid, "--", *folders)


class ClosedBox(Dovecot):
    """A box that Dovecot does not open, since its account is suspended or gone: its files alone."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def home(self, uid: str) -> Path:
        """See Dovecot."""
        return self._home

    def end_sessions(self, uid: str) -> int:
        """See Dovecot. Nobody enters."""
        return 0

    def modseqs(self, uid: str) -> dict[str, int]:
        """See Dovecot."""
        return {}

    def renew(self, uid: str, modseqs: dict[str, int]) -> None:
        """See Dovecot: it reads the files when the account is open again."""

    def count(self, uid: str) -> int:
        """See Dovecot."""
        with owner.as_owner(self._home):
            return sum(1 for _ in layout.messages(self._home / MAILDIR))

    def adopt(self, uid: str, maildir: Path, parent: str) -> None:
        """See Dovecot. Raises InputError: only Dovecot gives messages new UIDs."""
        raise InputError(
            f"account {uid}: it is suspended or gone, so messages cannot be added to its mailbox",
            "the whole mailbox comes back without it: backup restore mailbox",
        )

    def subscribe(self, uid: str, folders: Sequence[str]) -> None:
        """See Dovecot."""


def filled(home: Path) -> list[str]:
    """Return the folders of a box that have messages."""
    root = home / MAILDIR
    with owner.as_owner(root):
        return [name for name, path in layout.folders(root).items() if any(layout.files(path))]


def count_on(homes: Sequence[Path], modseq: int, say: Callable[[str], None]) -> list[str]:
    """Do what `Dovecot.count_on` does for many boxes; return the uids of those that Dovecot does not open.

    One doveadm does a folder of many boxes: a process for each takes ten times as long, hours for 30,000 boxes.
    """
    boxes = dict[str, list[str]]()
    for home in homes:
        for name in filled(home) if is_uid(home.name) else ():
            boxes.setdefault(name, []).append(home.name)
    batches = [(name, some) for name, uids in boxes.items() for some in batched(uids, AT_ONCE, strict=False)]
    closed, done, many = set[str](), 0, sum(map(len, boxes.values()))
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = pool.map(lambda batch: _count_on(batch[0], batch[1], modseq), batches)
        for (_name, some), left in zip(batches, answers, strict=True):
            closed |= left
            done += len(some)
            say(f"{done} of {many} folders of {len(homes)} boxes opened again")
    return sorted(closed)


def _count_on(name: str, uids: Sequence[str], modseq: int) -> set[str]:
    """Do it for a folder of some boxes; in halves where one of them ends the run."""
    with user_file(uids) as path:
        words = ("mailbox", "update", "-F", path, "--min-highest-modseq", str(modseq + 1), "--", name)
        done = doveadm(*words, check=False)
    if ENDED in done.stderr and len(uids) > 1:
        half = len(uids) // 2
        return _count_on(name, uids[:half], modseq) | _count_on(name, uids[half:], modseq)
    return set(unserved(uids, done))


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A program of this host, its output kept."""
    return subprocess.run(list(words), capture_output=True, text=True, check=False)
