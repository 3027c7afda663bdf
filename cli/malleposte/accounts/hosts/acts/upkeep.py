"""Acts that concern a host, and no account."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import msgspec

from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import EVERY_HOST, act, all_answer, every_one, failed, holding
from malleposte.accounts.mailbox.hours import holidays
from malleposte.accounts.mailbox.hours.store import Store
from malleposte.runtime import owner

Periods = Annotated[list[str], msgspec.Meta(max_length=holidays.MOST)]
LISTING = Path("/etc/systemd/system/malleposte-boxes.service")
"""The unit that tells Dovecot which boxes are shared at all, where the store is on this host."""


@act(on=EVERY_HOST, merge=all_answer)
def ping(_host: LocalHost) -> None:
    """Do nothing, where the host answers."""


@act(on=holding(STORE), merge=failed, label="shared boxes")
def relist(_host: LocalHost) -> None:
    """Have Dovecot's list of shared boxes renewed now, rather than at the next half minute."""
    if LISTING.exists():
        subprocess.run(["systemctl", "restart", LISTING.name], check=False, stdin=subprocess.DEVNULL)


@act(on=EVERY_HOST, merge=every_one, label="school holidays")
def school_holidays(host: LocalHost) -> list[str]:
    """Return the school holidays of the calendars that the host publishes; nothing where it publishes none."""
    path = host.holidays
    return list(holidays.loaded(owner.read(path).decode(), path)) if path.exists() else []


@act(on=holding(STORE), merge=failed, label="school holidays")
def learn_holidays(host: LocalHost, periods: Periods) -> None:
    """Tell the hours of agents the school holidays."""
    Store(host.rules.store).learn(periods)
