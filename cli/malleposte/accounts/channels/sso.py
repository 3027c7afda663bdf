"""The channel of the log-in page: its log-ins, and with them the tokens that services renew by them."""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.accounts.channels import checked
from malleposte.adapters import lemonldap, log_outs
from malleposte.core.errors import MallepostError


class Sso:
    """The provider of this host, by its own program: for root.

    By `tell` the services that a log-in opened hear of its end, where nobody else ends what they have open.
    """

    name = "sso"

    def __init__(self, tell: log_outs.Tell | None = None) -> None:
        self._tell = tell

    def close(self, uid: str) -> None:
        """See Channel. Second factors stay; a browser that is trusted is asked for one again."""
        untold = lemonldap.end(checked(uid), tell=self._tell).untold
        if untold:
            raise MallepostError(f"{', '.join(untold)} gave no answer: what is open there ends within five minutes")

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        lemonldap.end_many([checked(uid) for uid in uids])

    def forget(self, uid: str) -> None:
        """See Channel: it keeps no password."""
