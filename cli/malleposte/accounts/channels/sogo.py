"""The channel of SOGo: its front's sessions of an account, and what its memcached remembers of it.

The front (malleposte.daemons.dav_router.sessions) keeps a file for each session, named by the owner's uid. SOGo itself
has none: it believes whom its front names.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from pathlib import Path

from malleposte.accounts.channels import Names, checked
from malleposte.core.errors import MallepostError

SESSIONS = Path("/run/malleposte-sogo-sessions")
TIMEOUT = 10.0  # seconds
SUFFIXES = ("+attributes", "+defaults", "+settings", "")


class Sogo:
    """SOGo's front by its folder, for root, and its memcached by its socket."""

    name = "sogo"

    def __init__(self, names: Names, memcached: Path, sessions: Path = SESSIONS) -> None:
        """`memcached`: the Unix socket; `sessions`: the front's folder."""
        self.names, self.memcached, self.sessions = names, memcached, sessions

    def close(self, uid: str) -> None:
        """See Channel."""
        mine = re.compile(re.escape(checked(uid)) + "[.][0-9a-f]{64}")
        for path in self.sessions.iterdir() if self.sessions.is_dir() else ():
            if mine.fullmatch(path.name):
                path.unlink(missing_ok=True)
        self.forget(uid)

    def forget(self, uid: str) -> None:
        """See Channel."""
        names = dict.fromkeys([uid, *self.names(uid)])
        delete(self.memcached, (f"{name}{suffix}" for name in names for suffix in SUFFIXES))


def delete(path: Path, keys: Iterable[str]) -> None:
    """Remove keys from a memcached (its text protocol). Raises MallepostError on an answer that is none."""
    fit = [key for key in keys if key.isascii() and len(key) <= 250 and not set(key) & set(" \r\n\t\0")]
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(TIMEOUT)
        link.connect(str(path))
        with link.makefile("rb") as answers:
            for key in fit:
                link.sendall(f"delete {key}\r\n".encode())
                answer = answers.readline().strip()
                if answer not in (b"DELETED", b"NOT_FOUND"):
                    raise MallepostError(f"memcached: {answer.decode('ascii', 'replace') or 'no answer'}")
