"""Settings of the accounts commands on their host: the directory, its writer, the keys (role accounts, root alone)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.plan.brakes import USUAL, Brake, Limit, Limits
from malleposte.accounts.plan.build import Rules
from malleposte.core.errors import InputError
from malleposte.directory.ldap import LdapDirectory
from malleposte.platform.locks import only_one
from malleposte.runtime import settings

FILE = Path("/etc/malleposte/accounts.json")
LOCK = Path("/run/lock/malleposte-accounts.lock")


@dataclass(frozen=True)
class Settings:
    """The directory host's settings."""

    uri: str
    suffix: str
    domain: str
    bind_dn: str
    password_file: Path
    keys_file: Path
    journal: Path
    most_departures: float
    most_changes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The limits of the other brakes, by their names: `percent` and `number` (accounts.plan.brakes)."""
    life: Mapping[str, Any] = field(default_factory=dict)
    """The life of an account: delays, folders, channels (`accounts.life.rules`)."""

    @classmethod
    def read(cls, path: Path = FILE) -> Settings:
        """Read them. Raises InputError when they are not there or not readable."""
        return settings.read(path, cls, "the accounts commands", "this works as root on the directory's host")

    def rules(self, default_profile: str) -> Rules:
        """Return the settings of a plan; the platform decides the class of rows that name none."""
        return Rules(self.domain, default_profile)

    def brakes(self) -> Limits:
        """Return what is usual in an import. Raises InputError for a limit of nothing that is counted."""
        departures = {Brake.DEPARTURES: Limit(self.most_departures, USUAL[Brake.DEPARTURES].number)}
        try:
            configured = {
                Brake(name): Limit(one["percent"], int(one["number"])) for name, one in self.most_changes.items()
            }
        except (ValueError, KeyError) as error:
            raise InputError(f"{FILE}: most_changes: {error}", "deploy again") from error
        return {**USUAL, **departures, **configured}

    def keys(self) -> Keyring:
        """The key ring."""
        return Keyring.parse(_secret(self.keys_file), str(self.keys_file))

    @contextlib.contextmanager
    def directory(self) -> Iterator[LdapDirectory]:
        """The directory, bound as its one writer."""
        with self.bound() as directory:
            yield directory

    def bound(self) -> LdapDirectory:
        """Return a new connection to it, which is to be closed. Raises InputError, DirectoryError."""
        return LdapDirectory(self.uri, self.suffix, self.bind_dn, _secret(self.password_file))


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "this works as root on the directory's host") from error


@contextlib.contextmanager
def one_writer(path: Path = LOCK) -> Iterator[None]:
    """Hold the lock of whoever changes accounts. Raises MallepostError when another does at this moment."""
    with only_one(path, "another command changes accounts at this moment", "wait for it to end"):
        yield
