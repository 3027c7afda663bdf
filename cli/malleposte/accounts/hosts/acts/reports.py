"""The reports of other mail servers (DMARC, TLS), for the DSI's page. The act shows only."""

from __future__ import annotations

from typing import Annotated

import msgspec

from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import QUEUE
from malleposte.accounts.hosts.table import act, every_one, holding
from malleposte.reports import ask
from malleposte.reports.summary import Summary

Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]
Source = Annotated[str, msgspec.Meta(max_length=45, pattern=r"^[0-9A-Fa-f:.]*$")]


@act(on=holding(QUEUE), merge=every_one, accountd=True)
def reports(host: LocalHost, days: Days, source: Source = "") -> list[Summary]:
    """Return what the host's reports of some days show, perhaps of one source; nothing where it reads none."""
    if not host.reports_socket.exists():
        return []
    return [ask.summary(days, source, host.reports_socket)]
