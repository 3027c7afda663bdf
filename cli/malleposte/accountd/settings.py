"""accountd's settings: a file without secrets, and the secrets that systemd hands over (`LoadCredential=`)."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from malleposte.accountd.call import CALLS, load
from malleposte.accountd.desk_rules import Rules as Desk
from malleposte.accountd.proof import Provider
from malleposte.accounts.credentials import enrolment
from malleposte.accounts.disclosure.export import ACCOUNTD_JOURNAL
from malleposte.accounts.settings import Settings as Accounts
from malleposte.adapters import sms
from malleposte.core.errors import InputError
from malleposte.runtime import settings
from malleposte.throttle import Settings as ThrottleSettings
from malleposte.throttle import Throttle
from malleposte.throttle.limits import Network, Rates

THROTTLE = "throttle.json"
"""The name under which systemd hands over how the platform's Valkey is reached."""
SMS = "sms.json"
"""The same for the gateway of text messages."""


@dataclass(frozen=True)
class Settings:
    """`clients`: SHA-256 (hexadecimal) of each TLS client's secret, by name. `pace`: seconds between moments of answer.

    `only`: the calls that a client may make, by its name over TLS or its user on the Unix socket. Others: all.
    `provider` verifies the tokens of agents who are logged in; without it there are none.
    `factors_close`: with a second factor the main password opens no device (`mpTwoFactor` follows the factors).
    `desk`: what a help desk may do. `school_networks`: of these, one address may be that of thousands.
    `hostd` is the socket of the process that ends sessions; `smtp` takes the mails with codes. `activation`: the steps
    of a first log-in.
    """

    academy: str
    portal: str
    phone: str
    mail: str
    hostd: Path
    certificate: Path
    key: Path
    clients: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pace: float = 0.5
    code_minutes: int = 15
    activation: enrolment.Rules = field(default_factory=enrolment.Rules)
    rates: Rates = field(default_factory=Rates)
    school_networks: Sequence[str] = ()
    smtp: tuple[str, int] = ("127.0.0.1", 25)
    journal: Path = ACCOUNTD_JOURNAL
    provider: Provider | None = None
    factors_close: bool = False
    desk: Desk = field(default_factory=Desk)

    @property
    def schools(self) -> list[Network]:
        """The networks of schools. Raises ValueError on what is none."""
        return [ip_network(one, strict=False) for one in self.school_networks]

    def __post_init__(self) -> None:
        """Raise ValueError on a network that is none."""
        self.schools  # noqa: B018

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read them. Raises InputError naming the file and what is wrong."""
        parsed = settings.read(path, cls, "accountd", optional=["provider"])
        load()
        unknown = [call for calls in parsed.only.values() for call in calls if call not in CALLS]
        if unknown:
            raise InputError(f"{path}: only: {unknown[0]} is no call")
        wrong = [name for name, digest in parsed.clients.items() if len(digest) != 64]
        if wrong or not 0.05 <= parsed.pace <= 5:
            raise InputError(f"{path}: {f'client {wrong[0]} has no digest' if wrong else 'pace is between 0.05 and 5'}")
        return parsed


def credentials() -> Path:
    """Return the folder in which systemd put the secrets. Raises InputError outside a unit."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise InputError("no CREDENTIALS_DIRECTORY: accountd runs as the unit accountd.service")
    return Path(folder)


def accounts(folder: Path) -> Accounts:
    """The settings of the accounts commands, their secrets taken from where systemd laid them."""
    accounts_settings = Accounts.read(folder / "accounts.json")
    there = {name: folder / getattr(accounts_settings, name).name for name in ("password_file", "keys_file")}
    return dataclasses.replace(accounts_settings, **there)


def gateway(folder: Path) -> sms.Gateway | None:
    """The gateway of text messages; None where the academy has none. Raises InputError."""
    path = folder / SMS
    try:
        return sms.of(json.loads(path.read_text("utf-8")), str(path)) if path.exists() else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not the settings of a gateway", "deploy again") from error


def throttle(folder: Path) -> Throttle | None:
    """The delays that the platform shares; None where it has none. Raises InputError."""
    path = folder / THROTTLE
    try:
        return Throttle(ThrottleSettings.read(path)) if path.exists() else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}", "deploy again") from error
