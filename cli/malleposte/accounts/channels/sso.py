"""The channel of the log-in page: its log-ins, and with them the tokens that services renew by them."""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.accounts.channels import checked
from malleposte.adapters import lemonldap


class Sso:
    """The provider of this host, by its own program: for root."""

    name = "sso"

    def close(self, uid: str) -> None:
        """See Channel. Second factors stay; a browser that is trusted is asked for one again."""
        lemonldap.end(checked(uid))

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        lemonldap.end_many([checked(uid) for uid in uids])

    def forget(self, uid: str) -> None:
        """See Channel: it keeps no password."""
