"""Settings of hostd: the things of this host, the clients over TLS, the other hosts (role hostd, root alone)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.accounts.hosts.model import KINDS
from malleposte.accounts.hosts.remote import RemoteHost, Way
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import InputError

FILE = Path("/etc/malleposte/hostd.json")


@dataclass(frozen=True)
class HostSettings:
    """`here` goes into the rules (`LifeRules`); `clients` has digests of secrets by name; `hosts` are the others."""

    here: Mapping[str, Any]
    certificate: Path
    key: Path
    clients: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    hosts: tuple[Mapping[str, Any], ...] = ()
    secrets: Path = Path("/etc/malleposte/keys/hostd.json")
    """The secret for each other host, by its name."""

    @classmethod
    def read(cls, path: Path = FILE) -> HostSettings:
        """Read them. Raises InputError naming the file and what is wrong."""
        try:
            raw = json.loads(path.read_text("utf-8"))
            paths = {name: Path(raw[name]) for name in ("certificate", "key", "secrets") if name in raw}
            found = cls(**(raw | paths | {"hosts": tuple(raw.get("hosts", ()))}))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}", "this works as root on a host that was deployed") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not the settings of hostd ({error})", "deploy again") from error
        for host in found.hosts:
            strange = set(host) - {"name", "address", "holds"} or set(host.get("holds", ())) - KINDS
            if strange:
                raise InputError(f"{path}: hosts: {sorted(strange)[0]} is not known", "deploy again")
        return found

    def rules(self) -> LifeRules:
        """Return the rules with the things of this host. Raises InputError."""
        return LifeRules.parse(self.here, str(FILE))

    def others(self) -> list[RemoteHost]:
        """The other hosts that hold something. Raises InputError."""
        if not self.hosts:
            return []
        try:
            secrets = json.loads(self.secrets.read_text("utf-8"))
            return [
                RemoteHost(
                    str(host["name"]),
                    frozenset(map(str, host["holds"])),
                    Way(str(host["address"]), self.client, str(secrets[host["name"]])),
                )
                for host in self.hosts
            ]
        except OSError as error:
            raise InputError(f"{self.secrets}: {error.strerror}", "deploy again") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.secrets}: not the secrets of hostd ({error})", "deploy again") from error
