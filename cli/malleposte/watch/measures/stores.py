"""The memory of each server of Valkey on this host, and whether it answers (INFO)."""

from __future__ import annotations

from collections.abc import Mapping

from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

OF_THE_PAGE = "valkey-sso"
"""The beginning of the names of the log-in page's own."""


def shares(answers: Mapping[str, tuple[int, int] | None]) -> list[Metric]:
    """The metrics of servers by name: bytes used and allowed; None for one that does not answer."""
    used = {name: one[0] / one[1] for name, one in answers.items() if one and one[1]}
    sso = [(share, {"store": name}) for name, share in used.items() if name.startswith(OF_THE_PAGE)]
    others = [
        (share, {"limit": f"memory of {name}"}) for name, share in used.items() if not name.startswith(OF_THE_PAGE)
    ]
    return [
        metric(
            "malleposte_store_up", "Whether a server of Valkey answers",
            *((float(one is not None), {"store": name}) for name, one in answers.items()),
        ),
        metric("malleposte_sso_store_used_ratio", "Used share of a store of the log-in page, from 0 to 1", *sso),
        metric("malleposte_limit_used_ratio", "Used share of a limit, from 0 to 1", *others),
    ]  # fmt: skip


def asked(socket: str, user: str, password: str) -> tuple[int, int] | None:
    """The memory of a server; None where it does not answer."""
    server = Valkey(f"unix://{socket}", user, password)
    try:
        return server.memory()
    except Unavailable:
        return None
    finally:
        server.close()


def measure(settings: Settings, _now: float) -> list[Metric]:
    """The servers of this host."""
    servers = settings.stores
    return shares({name: asked(socket, servers.user, servers.password) for name, socket in servers.sockets.items()})
