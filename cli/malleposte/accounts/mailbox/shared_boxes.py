"""Keep Dovecot's list of shared mailboxes in line with the directory: which boxes are opened by delegation at all.

Usage: dovecot-boxes STORE BASE BIND_DN URI[,URI...]

Who may open which box comes from the directory at each log-in; this list only lets a client that asks for all folders
find the box. A line pair `shared/shared-boxes/group/UID/UID` and `1` stands for each; what agents share among
themselves stays. A box that never had mail gets its empty Maildir, which else only its owner's log-in would make. The
file is Dovecot's (its dictionary driver `file`): the same lock is taken, and it is replaced whole.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from malleposte.adapters.ldapsearch import search
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import MAILDIR, SHARED, home_of
from malleposte.runtime import durable

PREFIX = "shared/shared-boxes/group/"


def delegated(base: str, bind_dn: str, uris: str, password_file: Path) -> set[str]:
    """The uids of all entries with delegates or readers. Raises MallepostError when the directory does not answer."""
    entries = search(base, bind_dn, uris, password_file, "(|(mpDelegate=*)(mpReader=*))", "uid")
    uids = {value.decode("utf-8", "replace") for entry in entries for value in entry.get("uid")}
    return {uid for uid in uids if is_uid(uid)}


def ours(key: str) -> str | None:
    """The box of one of our own keys; None for a key of an agent's own share."""
    group, _slash, owner = key.removeprefix(PREFIX).partition("/")
    return owner if key.startswith(PREFIX) and group == owner and owner else None


def renewed(text: str, boxes: Iterable[str]) -> str:
    """The file's new text: the shares of agents as they were, then a pair of lines for each box."""
    lines = text.splitlines()
    pairs: list[str] = []
    for place in range(0, len(lines) - 1, 2):
        if ours(lines[place]) is None:
            pairs += lines[place : place + 2]
    for uid in sorted(set(boxes)):
        pairs += [f"{PREFIX}{uid}/{uid}", "1"]
    return "".join(f"{line}\n" for line in pairs)


def locked(path: Path) -> int:
    """The file, opened and locked as Dovecot does it: whoever replaced it meanwhile makes us begin again."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def renew(path: Path, boxes: Iterable[str]) -> bool:
    """Bring the file in line; whether it changed."""
    descriptor = locked(path)
    try:
        before = path.read_text("utf-8")
        after = renewed(before, boxes)
        if after == before:
            return False
        durable.write(path, after, os.fstat(descriptor).st_mode & 0o777)
        return True
    finally:
        os.close(descriptor)


def furnish(store: Path, boxes: Iterable[str]) -> list[str]:
    """Make the Maildir of each box that has none; the failures, a line each."""
    failures: list[str] = []
    for uid in boxes:
        with named(failures.append, uid):
            maildir = home_of(uid, store) / MAILDIR
            if not (maildir / "cur").is_dir():
                for name in ("tmp", "new", "cur"):
                    (maildir / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return failures


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 4:
        print("usage: dovecot-boxes STORE BASE BIND_DN URI[,URI...]", file=sys.stderr)
        return 2
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")
    try:
        boxes = delegated(words[1], words[2], words[3], password)
    except MallepostError as error:
        print(f"<3>the list of shared boxes is as it was: {error}", file=sys.stderr)
        return 1
    store = Path(words[0])
    failures = furnish(store, boxes)
    for failure in failures:
        print(f"<4>{failure}", file=sys.stderr)
    renew(store / SHARED, boxes)
    return 1 if failures else 0
