"""The state of each service as the portal's hosts see it: from outside, without any password, kept in one file.

`/etc/malleposte/portal-states.json` lists what to look at: `{"service", "kind", "host", "port", "path"}`. The kind is
`https` (an answer below 500), `imaps` or `smtps` (the server's greeting). A certificate that does not hold is a fault.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from malleposte.runtime import durable

SECONDS = 8.0
"""A limit for one look; two looks and their pause fit into a minute."""
STALE = timedelta(minutes=5)
"""After this, the file says nothing any more."""
FAILURES = 2
"""Looks that fail, one after the other in one walk, before a service counts as down."""


@dataclass(frozen=True)
class Target:
    """One service to look at."""

    service: str
    kind: str
    host: str
    port: int = 443
    path: str = "/"


@dataclass(frozen=True)
class State:
    """One service: whether it answers, and since when (ISO 8601) that is so."""

    up: bool
    since: str


@dataclass(frozen=True)
class Walk:
    """All services, and when they were looked at."""

    at: datetime
    states: Mapping[str, State]

    def current(self, now: datetime) -> Mapping[str, State]:
        """The states, or none when the walk is too old to say anything."""
        return self.states if now - self.at < STALE else {}


def targets(path: Path) -> list[Target]:
    """The services to look at, whose titles are for pages alone. Raises OSError, ValueError, TypeError."""
    listed = json.loads(path.read_text("utf-8"))
    return [Target(**{key: value for key, value in one.items() if key != "title"}) for one in listed]


def answers(target: Target) -> bool:
    """One look at a service."""
    context = ssl.create_default_context()
    try:
        if target.kind == "https":
            connection = http.client.HTTPSConnection(target.host, target.port, timeout=SECONDS, context=context)
            try:
                connection.request("GET", target.path, headers={"User-Agent": "malleposte-portal-states"})
                return connection.getresponse().status < 500
            finally:
                connection.close()
        with (
            socket.create_connection((target.host, target.port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as session,
        ):
            greeting = session.recv(512)
            return greeting.startswith(b"* OK" if target.kind == "imaps" else b"220")
    except (OSError, http.client.HTTPException, ValueError):
        return False


def walk(
    listed: Sequence[Target],
    before: Walk | None,
    look: Callable[[Target], bool] = answers,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Walk:
    """Look at every service, at the same time; one that fails is looked at once more."""
    with ThreadPoolExecutor(max(len(listed), 1)) as pool:
        answering = list(pool.map(lambda one: any(look(one) for _ in range(FAILURES)), listed))
    now, old = clock(), before.states if before else {}
    states = {}
    for target, up in zip(listed, answering, strict=True):
        same = old.get(target.service)
        since = same.since if same and same.up == up else now.isoformat(timespec="seconds")
        states[target.service] = State(up, since)
    return Walk(now, states)


def read(path: Path) -> Walk | None:
    """The last walk; None where there is none that can be read."""
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        states = {name: State(bool(one["up"]), str(one["since"])) for name, one in document["states"].items()}
        return Walk(datetime.fromisoformat(document["at"]), states)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(path: Path, walked: Walk) -> None:
    """Replace the file at once. Raises OSError."""
    states = {name: asdict(state) for name, state in walked.states.items()}
    durable.write(path, json.dumps({"at": walked.at.isoformat(timespec="seconds"), "states": states}), 0o644)
