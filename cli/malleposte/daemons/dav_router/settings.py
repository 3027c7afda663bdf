"""The settings of the router."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SHORTEST_KEY = 32  # characters


@dataclass(frozen=True)
class BackEnd:
    """A service with an agent's tree: ``prefix/uid/``, and in it the ``homes`` of collections."""

    prefix: str
    homes: tuple[str, ...] = ()

    def root(self, uid: str) -> str:
        """The agent's own tree."""
        return f"{self.prefix}/{quote(uid)}/"

    def entrances(self, uid: str) -> set[str]:
        """The addresses that a client looks up to find collections, decoded, without the slash at their end."""
        root = f"{self.prefix}/{uid}"
        return {root, *(f"{root}/{home}" for home in self.homes)}


@dataclass(frozen=True)
class Settings:
    """Back ends by name; the one of each profile; Dovecot's socket; SOGo's port on the loopback; the keys of seals.

    The first key makes seals; those of the others are still accepted.
    """

    backends: Mapping[str, BackEnd]
    profiles: Mapping[str, str]
    default: str
    auth_socket: str
    sogo_port: int
    seal_keys: tuple[bytes, ...]

    @classmethod
    def read(cls, path: Path, seal_keys: Path) -> Settings:
        """From a JSON file, and a file with one key a line. Raises ValueError with what is wrong."""
        given = json.loads(path.read_text())
        backends = {
            name: BackEnd(entry["prefix"], tuple(entry.get("homes", ()))) for name, entry in given["backends"].items()
        }
        for name, backend in backends.items():
            if name in ("root", "moved", "gone") or not re.fullmatch(r"[a-z]+", name):
                raise ValueError(f"back end {name!r}: not a name")
            if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", backend.prefix):
                raise ValueError(f"back end {name}: prefix cannot be {backend.prefix!r}")
        for profile, name in [*given["profiles"].items(), ("default", given["default"])]:
            if name not in backends:
                raise ValueError(f"profile {profile}: no back end is called {name!r}; known: {', '.join(backends)}")
        keys = tuple(seal_keys.read_bytes().split())
        if not keys or min(map(len, keys)) < SHORTEST_KEY:
            raise ValueError(f"{seal_keys}: write one key a line, of {SHORTEST_KEY} characters at least")
        return cls(backends, given["profiles"], given["default"], given["auth_socket"], int(given["log_in_port"]), keys)
