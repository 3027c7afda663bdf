"""The settings of the router."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from malleposte.accountd.relying_party import RelyingParty
from malleposte.daemons.dav_router.log_out import ROUNDCUBE, SOGO

SHORTEST_SECRET = 24  # characters


@dataclass(frozen=True)
class BackEnd:
    """A service with an agent's tree: ``prefix/uid/``, and in it the ``homes`` of collections."""

    prefix: str
    homes: tuple[str, ...] = ()

    def root(self, uid: str) -> str:
        """The agent's own tree."""
        return f"{self.prefix}/{quote(uid)}/"

    def owner(self, uri: str) -> str:
        """The uid whose tree an address is in; empty for none."""
        before, within, rest = uri.partition("?")[0].partition(f"{self.prefix}/")
        return unquote(rest.partition("/")[0]) if within and not before else ""

    def entrances(self, uid: str) -> set[str]:
        """The addresses that a client looks up to find collections, decoded, without the slash at their end."""
        root = f"{self.prefix}/{uid}"
        return {root, *(f"{root}/{home}" for home in self.homes)}


@dataclass(frozen=True)
class Settings:
    """Back ends by name; the one of each profile; Dovecot's socket; SOGo's log-ins by the provider, and their way back.

    `clients`: the names that the webmails have there. `sessions` is the folder of SOGo's sessions, which end after
    `idle_minutes`, or when the provider says so.
    """

    backends: Mapping[str, BackEnd]
    profiles: Mapping[str, str]
    default: str
    auth_socket: str
    provider: RelyingParty
    clients: Mapping[str, str]
    back: str
    sessions: Path
    idle_minutes: int

    @classmethod
    def read(cls, path: Path, secret: Path) -> Settings:
        """From a JSON file, and the file of the provider's secret. Raises ValueError with what is wrong."""
        document = json.loads(path.read_text())
        backends = {
            name: BackEnd(entry["prefix"], tuple(entry.get("homes", ())))
            for name, entry in document["backends"].items()
        }
        for name, backend in backends.items():
            if name in ("root", "moved", "gone") or not re.fullmatch(r"[a-z]+", name):
                raise ValueError(f"back end {name!r}: not a name")
            if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", backend.prefix):
                raise ValueError(f"back end {name}: prefix cannot be {backend.prefix!r}")
        for profile, name in [*document["profiles"].items(), ("default", document["default"])]:
            if name not in backends:
                raise ValueError(f"profile {profile}: no back end is called {name!r}; known: {', '.join(backends)}")
        sign_on, word = document["sign_on"], secret.read_text("utf-8").strip()
        if len(word) < SHORTEST_SECRET:
            raise ValueError(f"{secret}: a secret has {SHORTEST_SECRET} characters at least")
        for name in ("issuer", "back"):
            if not re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?(/\S*)?", str(sign_on.get(name, ""))):
                raise ValueError(f"sign_on: {name} cannot be {sign_on.get(name)!r}")
        more = {key: sign_on[key] for key in ("uid_claim", "algorithms", "scope") if key in sign_on}
        return cls(
            backends,
            document["profiles"],
            document["default"],
            document["auth_socket"],
            RelyingParty(sign_on["issuer"], sign_on["client_id"], word, **more),
            {SOGO: sign_on["client_id"], ROUNDCUBE: sign_on["roundcube_client_id"]},
            sign_on["back"],
            Path(sign_on["sessions"]),
            int(sign_on["idle_minutes"]),
        )
