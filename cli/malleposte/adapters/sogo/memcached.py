"""SOGo's memcached: the keys of what it remembers, and how it forgets them."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from malleposte.adapters.sogo.folders import Folder
from malleposte.core.errors import MallepostError

TIMEOUT = 10.0  # seconds
_SUFFIXES = ("+attributes", "+defaults", "+settings", "")


def account_keys(names: Iterable[str]) -> list[str]:
    """Return the keys of all that is remembered of an account, by the names of its log-ins."""
    return [f"{name}{suffix}" for name in dict.fromkeys(names) for suffix in _SUFFIXES]


def settings_key(uid: str) -> str:
    """Return the key of an agent's settings."""
    return f"{uid}+settings"


def rights_key(folder: Folder) -> str:
    """Return the key of the rights on a folder."""
    return f"{folder.place}+acl"


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
