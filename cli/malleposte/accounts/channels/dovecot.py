"""The channel of Dovecot: IMAP and ManageSieve sessions, and its cache of passwords, used by SMTP AUTH and DAV too."""

from __future__ import annotations

from malleposte.accounts.channels import Names
from malleposte.adapters import dovecot

TIMEOUT = 15  # seconds


class Dovecot:
    """Dovecot of this host, by doveadm: for root."""

    name = "dovecot"

    def __init__(self, names: Names) -> None:
        """`names`: a cached password is kept under the name that was typed."""
        self.names = names

    def close(self, uid: str) -> None:
        """See Channel. The cache first: a client that is thrown out comes back at once."""
        self.forget(uid)
        dovecot.kick(uid, timeout=TIMEOUT)

    def cut(self, uid: str, device: str) -> None:
        """End the connections of one device, and forget its password; the account's other sessions go on."""
        self.forget(uid)
        dovecot.kick(uid, device=device, timeout=TIMEOUT)

    def forget(self, uid: str) -> None:
        """See Channel."""
        dovecot.forget([uid, *self.names(uid)], timeout=TIMEOUT)
