"""The channel of SOGo: the cache of an account in its memcached, with its password.

A cookie of SOGo holds half of the key to `name:password`, and the other half lies in its table of sessions, which does
not say whose it is. At each request SOGo proves that password: by memcached for some minutes, else by a bind in the
directory. So with its memory gone a cookie is worth what its password is worth.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from malleposte.accounts.channels import Names
from malleposte.errors import MallepostError

TIMEOUT = 10.0  # seconds
SUFFIXES = ("+attributes", "+defaults", "+settings", "")


class Sogo:
    """SOGo's memcached, by its socket."""

    name = "sogo"

    def __init__(self, names: Names, memcached: Path) -> None:
        """`memcached`: the Unix socket."""
        self.names, self.memcached = names, memcached

    def close(self, uid: str) -> None:
        """See Channel."""
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
