"""The walker's input (one JSON object on standard input) and the errors that a path may end with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PORTS = {"smtp": 25, "submissions": 465, "submission": 587, "imaps": 993, "imap": 143, "sieve": 4190, "https": 443}


class PathError(Exception):
    """A path does not do what it should; the text is shown to the operator."""


class NotTestedError(Exception):
    """A path cannot be tested from here; the text says what is missing."""


@dataclass(frozen=True)
class Account:
    """A probe account: its log-in, its address, its password."""

    uid: str
    mail: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Vantage:
    """The foreign mail server of the vantage host: its domain, user, SMTP end point and Maildir."""

    domain: str
    user: str
    smtp: tuple[str, int]
    maildir: str

    @property
    def address(self) -> str:
        """The foreign address that sends and receives for the probe."""
        return f"{self.user}@{self.domain}"


@dataclass(frozen=True)
class Factor:
    """The probe's account with a second factor: its seed (empty before it is enrolled), and the probe's client."""

    account: Account
    seed: str = field(repr=False)
    client: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Elsewhere:
    """The academy's own provider. `keys` are the names (`kid`) of those that the platform knows."""

    issuer: str
    authorization_endpoint: str
    algorithms: list[str]
    keys: list[str]


@dataclass(frozen=True)
class Plan:
    """One run: the platform's names, the two accounts, the vantage (None: no outside), limits in seconds."""

    domain: str
    mail: str
    selector: str
    dmarc_policy: str
    accounts: tuple[Account, Account]
    vantage: Vantage | None
    token: str = field(repr=False)
    timeout: float = 20.0
    deadline: float = 90.0
    days_left: int = 14
    cafile: str | None = None
    hosts: dict[str, str] = field(default_factory=dict)
    """Public names of the web's services, by their key of `malleposte_hostnames`."""
    antivirus: bool = False
    factor: Factor | None = None
    provider: Elsewhere | None = None
    """None where the log-in page is the platform's."""
    signing_since: str = ""
    """Day on which the key that signs tokens was changed last; empty where it is not known."""
    nameservers: list[str] | None = None
    addresses: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Plan:
        """Read the JSON object. Raises KeyError or TypeError when it is not one."""
        first, second = (Account(**account) for account in raw["accounts"])
        vantage = raw.get("vantage")
        if vantage:
            vantage = Vantage(**{**vantage, "smtp": (vantage["smtp"][0], int(vantage["smtp"][1]))})
        factor = raw.get("factor")
        if factor:
            factor = Factor(**{**factor, "account": Account(**factor["account"])})
        provider = Elsewhere(**raw["provider"]) if raw.get("provider") else None
        parts = {"vantage": vantage or None, "factor": factor or None, "provider": provider}
        return cls(**{**raw, "accounts": (first, second), **parts})

    def port(self, service: str) -> int:
        """The TCP port of a key of PORTS."""
        return self.ports.get(service, PORTS[service])

    def host(self, key: str) -> str:
        """A public name. Raises NotTestedError where the platform has none for that key."""
        if key not in self.hosts:
            raise NotTestedError(f"no {key} in malleposte_hostnames")
        return self.hosts[key]

    def second_factor(self) -> Factor:
        """The account with a second factor. Raises NotTestedError where there is none."""
        if self.factor is None:
            raise NotTestedError("the probe has no account with a second factor; deploy, and probe again")
        return self.factor

    def own_provider(self) -> Elsewhere:
        """The academy's own provider. Raises NotTestedError where there is none."""
        if self.provider is None:
            raise NotTestedError("agents log in by the platform's own page")
        return self.provider

    def outside(self) -> Vantage:
        """The vantage. Raises NotTestedError where there is none."""
        if self.vantage is None:
            raise NotTestedError("no outside vantage (inventory group `vantage`)")
        return self.vantage


def poll[T](look: Callable[[], T | None], seconds: float, what: str, pause: float = 0.5) -> T:
    """Look until something is seen. Raises PathError naming `what` when the time is over."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen is not None:
            return seen
        if time.monotonic() > end:
            raise PathError(f"{what} not seen within {seconds:.0f} s")
        time.sleep(pause)
