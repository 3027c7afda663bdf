"""All hosts through the hostd of the directory's host, for callers who are not root there.

hostd (role hostd, `malleposte-hostd.socket`) is started by a connection, runs as root, and does for accountd the acts
that are declared so (`table.act`). Each reaches the hosts that hold the thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from malleposte.accounts.channels import demand_all
from malleposte.accounts.hosts.acts import sessions
from malleposte.accounts.hosts.methods import ForAccountd
from malleposte.accounts.hosts.remote import TIMEOUT, Way
from malleposte.accounts.hosts.table import Act

SOCKET = Path("/run/malleposte-hostd.sock")


class Hostd(ForAccountd):
    """A Channel that stands for all hosts."""

    name = "sessions"

    def __init__(self, path: Path = SOCKET) -> None:
        """`path`: hostd's socket."""
        self.way = Way(f"unix://{path}", timeout=2 * TIMEOUT)

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> M:
        """See table.Platform."""
        return cast("M", self.way.ask(act, act.bind(*args, **kwargs), act.merged))

    def close(self, uid: str) -> None:
        """See Channel."""
        demand_all(self.ask(sessions.close, uid))

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        for uid in uids:
            self.close(uid)

    def forget(self, uid: str) -> None:
        """See Channel."""
        demand_all(self.ask(sessions.forget, uid))
