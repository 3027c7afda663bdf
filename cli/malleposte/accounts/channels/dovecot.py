"""The channel of Dovecot: what it proves. Sessions of IMAP, ManageSieve and submission, and its cache of passwords."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.channels import Names
from malleposte.adapters import dovecot
from malleposte.throttle.record import ask

TIMEOUT = 15  # seconds


class Dovecot:
    """Dovecot of this host, by doveadm: for root."""

    name = "dovecot"

    def __init__(self, names: Names, asked: Path = ask.SOCKET) -> None:
        """`names`: a cached password is kept under the name that was typed. `asked`: the record's socket."""
        self.names, self.asked = names, asked

    def close(self, uid: str) -> None:
        """See Channel. The cache first: a client that is thrown out comes back at once."""
        self._cut(uid)

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel. Those alone are ended who have a session."""
        dovecot.forget([name for uid in uids for name in (uid, *self.names(uid))], timeout=TIMEOUT)
        for uid in dovecot.connected(uids, timeout=TIMEOUT):
            dovecot.kick(uid, timeout=TIMEOUT)
        for uid in uids:
            ask.end(uid, self.asked)

    def cut(self, uid: str, device: str) -> None:
        """End the connections of one device, and forget its password; the account's other sessions go on.

        Sessions of submission bear no device: all of the account end, and programs of other devices connect again.
        """
        self._cut(uid, device)

    def _cut(self, uid: str, device: str = "") -> None:
        self.forget(uid)
        try:
            dovecot.kick(uid, device=device, timeout=TIMEOUT)
        finally:
            # Postfix proves whoever sends once a session, and asks the record before each recipient.
            ask.end(uid, self.asked)

    def forget(self, uid: str) -> None:
        """See Channel."""
        dovecot.forget([uid, *self.names(uid)], timeout=TIMEOUT)
