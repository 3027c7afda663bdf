"""The connections of the web front, as nginx counts them (ngx_http_stub_status_module)."""

from __future__ import annotations

import re
import urllib.request

from malleposte.core.errors import MallepostError
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

PAGE = "http://127.0.0.1:9113/"
"""The page of the role nginx, for this host alone."""
TIMEOUT = 10.0
_PAGE = re.compile(
    r"Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \n"
    r"Reading: (\d+) Writing: (\d+) Waiting: (\d+) \n"
)


def counts(page: str) -> list[Metric]:
    """The metrics of a page of nginx. Raises MallepostError where it is none."""
    match = _PAGE.search(page.replace("\r\n", "\n"))
    if match is None:
        raise MallepostError(f"nginx does not count its connections: {page[:60]!r}", "deploy this host again")
    active, accepted, handled, requests, reading, writing, waiting = map(float, match.groups())
    states = {"active": active, "reading": reading, "writing": writing, "waiting": waiting}
    return [
        metric(
            "malleposte_nginx_connections", "Connections of the web front",
            *((count, {"state": name}) for name, count in states.items()),
        ),
        metric("malleposte_nginx_dropped_total", "Connections that nginx dropped", accepted - handled, kind="counter"),
        metric("malleposte_nginx_requests_total", "Requests of the web front", requests, kind="counter"),
    ]  # fmt: skip


def measure(_settings: Settings, _now: float, page: str = PAGE) -> list[Metric]:
    """The connections of this host's web front. Raises MallepostError, OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(page, timeout=TIMEOUT) as answer:
        return counts(answer.read(4096).decode("ascii", "replace"))
