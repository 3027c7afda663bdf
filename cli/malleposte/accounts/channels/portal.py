"""The channel of the portal, where the log-in page is not ours: the provider goes on giving tokens after an end.

With our page the portal's log-ins end with the provider's: their tokens are renewed no more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.core.errors import MallepostError

SETTINGS = Path("/etc/malleposte/keys/portal-sign-on.json")
"""The portal's own way to its Valkey (role portal)."""
ENDED = "portal:ended:{uid}"
"""The portal reads it when it renews a token or takes a log-in (`malleposte_portal.log_in.sessions`, `ended`)."""


class Portal:
    """The portal of this host, for root. A log-in from before ends at its next token, within five minutes."""

    name = "portal"

    def __init__(self, settings: Path = SETTINGS, connect: Callable[..., Any] = Valkey) -> None:
        self._settings, self._connect = settings, connect

    def close(self, uid: str) -> None:
        """See Channel."""
        self.close_many([uid])

    def close_many(self, uids: Sequence[str]) -> None:
        """See Channel."""
        try:
            settings = json.loads(self._settings.read_text("utf-8"))
            valkey, seconds = settings["valkey"], int(float(settings["hours"]) * 3600)
            link = self._connect(f"unix://{valkey['socket']}", valkey["username"], valkey["password"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MallepostError(f"{self._settings}: {error}", "deploy the role portal") from error
        try:
            for uid in uids:
                link.keep(ENDED.format(uid=checked(uid)), str(time.time()), seconds)
        except Unavailable as error:
            raise MallepostError(str(error), "is valkey-server@portal running?") from error
        finally:
            link.close()

    def forget(self, uid: str) -> None:
        """See Channel: it keeps no password."""
