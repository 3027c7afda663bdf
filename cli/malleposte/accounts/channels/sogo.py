"""The channel of SOGo: its front's sessions of an account, and what its memcached remembers of it.

The front (malleposte.daemons.dav_router.sessions) keeps a file for each session, named by the owner's uid. SOGo itself
has none: it believes whom its front names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.channels import Names, checked
from malleposte.adapters.sogo import memcached

SESSIONS = Path("/run/malleposte-sogo-sessions")
_SESSION = re.compile(r"(?P<uid>.+)[.][0-9a-f]{64}")


class Sogo:
    """SOGo's front by its folder, for root, and its memcached by its socket."""

    name = "sogo"

    def __init__(self, names: Names, memcached: Path, sessions: Path = SESSIONS) -> None:
        """`memcached`: the Unix socket; `sessions`: the front's folder."""
        self.names, self.memcached, self.sessions = names, memcached, sessions

    def close(self, uid: str) -> None:
        """See Channel."""
        self.close_many([uid])

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        owners = {checked(uid) for uid in uids}
        for path in self.sessions.iterdir() if self.sessions.is_dir() else ():
            session = _SESSION.fullmatch(path.name)
            if session and session["uid"] in owners:
                path.unlink(missing_ok=True)
        self._forget(uids)

    def forget(self, uid: str) -> None:
        """See Channel."""
        self._forget([uid])

    def _forget(self, uids: Sequence[str]) -> None:
        names = [name for uid in uids for name in (uid, *self.names(uid))]
        memcached.delete(self.memcached, memcached.account_keys(names))
