"""The settings of the pager: a file that every user reads, and the secrets that systemd hands over."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.paging import receivers

SECRETS = "pager.json"
"""The name under which systemd hands over the ways and this host's own secret."""


@dataclass(frozen=True)
class Peer:
    """Another host with a pager: its name, where it listens (`tls://HOST:PORT`), whether it is a vault."""

    name: str
    address: str
    vault: bool


@dataclass(frozen=True)
class Settings:
    """`name` is this host's; `rank` the place in which it calls, the first is 0.

    `listen` (address, empty for all, and port) takes heartbeats and questions of peers, where there are any; `webhook`
    takes notifications on the loopback, as Alertmanager posts them: of a vault's, or of the host's own measures where
    there is no vault. `clients` has the SHA-256 (hexadecimal) of each peer's secret by name. `watches`: whether
    Prometheus and Alertmanager are on this host. `state_user` is the user who may read the state of the platform at
    `state_socket`, empty for none.
    """

    name: str
    rank: int
    listen: tuple[str, int] | None
    webhook: tuple[str, int] | None
    peers: tuple[Peer, ...]
    clients: Mapping[str, str]
    certificate: Path
    key: Path
    secret: str = field(repr=False)
    receivers: receivers.Receivers = field(repr=False)
    watches: bool = False
    state_user: str = ""
    state_socket: Path = Path("/run/malleposte-pager/state")

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings of a file; the secrets are in `$CREDENTIALS_DIRECTORY`.

        Raises InputError, OSError, ValueError, KeyError, TypeError.
        """
        document = json.loads(path.read_text("utf-8"))
        folder = Path(os.environ.get("CREDENTIALS_DIRECTORY", path.parent))
        secrets: dict[str, Any] = json.loads((folder / SECRETS).read_text("utf-8"))
        if not isinstance(secrets.get("secret"), str):
            raise InputError(f"{folder / SECRETS}: no secret", "deploy again")
        return cls(
            str(document["name"]), int(document["rank"]), _place(document["listen"]),
            _place(document["webhook"]), tuple(Peer(**one) for one in document["peers"]),
            dict(document["clients"]), folder / "chain.pem", folder / "key.pem",
            secrets["secret"], receivers.of(secrets["receivers"], str(folder / SECRETS)),
            bool(document["watches"]), str(document["state_user"]),
        )  # fmt: skip


def _place(pair: Sequence[Any]) -> tuple[str, int] | None:
    return (str(pair[0]), int(pair[1])) if pair else None
