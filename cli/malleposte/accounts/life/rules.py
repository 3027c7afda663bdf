"""An operator's settings of the account lifecycle (role accounts, `accounts_*`), and defaults for the rest."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.accounts.convocations.model import ConvocationRules
from malleposte.core.errors import InputError
from malleposte.platform import mailstore
from malleposte.runtime.settings import convert


@dataclass(frozen=True)
class LifeRules:
    """Delays in days and hours, folders, and what this host has. A delay of 0 days: never by itself."""

    block_hours: float = 48.0
    recovery_hours: float = 72.0
    """After which means of recovery that an agent changed count."""
    archive_days: float = 60.0
    """From the suspension to the archive."""
    purge_days: float = 365.0
    """From the suspension to the removal."""
    purge_most: int = 500
    """Accounts removed in one night; more need a person."""
    archive_kept_days: float = 365.0
    """From the removal to the end of the archive."""
    archive_folder: Path = Path("/var/backups/malleposte-accounts")
    devices: int = 20
    """Device passwords of an account at most."""
    factors_close: bool = False
    """With a second factor the main password opens no device: `mpTwoFactor` follows the factors."""
    override_group: str = "malleposte-dsi"
    """The group whose members, coming by sudo, may unblock or purge before the time."""
    retract_alone: int = 1000
    """Boxes out of which one person of the DSI may take messages in a day; more need a second person."""
    convocations: ConvocationRules = field(default_factory=ConvocationRules)
    """The offices that may convoke from the portal, the rate, reminders, and for how long answers are kept."""
    store: Path = mailstore.STORE
    channels: tuple[str, ...] = ()
    """Of dovecot, sogo, roundcube: those on this host."""
    memcached: Path = Path("/run/memcached/memcached.sock")
    queue: bool = False
    """Whether Postfix's queue is on this host."""
    delivery_domain: str = "stores.invalid"
    """The SMTP server's own domain of boxes: Dovecot remembers an account under uid@ of it too."""
    radicale: Path = Path("/var/lib/radicale/collections/collection-root")
    sogo_database: str = "sogo"
    roundcube_database: str = "roundcube"
    databases: tuple[tuple[str, str], ...] = ()
    """(database, how libpq reaches it), for those on other hosts."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any], where: str) -> LifeRules:
        """From the part `life` of the settings. Raises InputError on what does not belong there."""
        try:
            return convert(dict(raw), cls)
        except ValueError as error:
            raise InputError(f"{where}: life: {error}", "deploy again") from error


def may_override(group: str) -> bool:
    """Whether the person who acts may go before the time: root itself, and by sudo, who is of the group."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        return os.geteuid() == 0
    try:
        person, members = pwd.getpwnam(name), grp.getgrnam(group)
    except KeyError:
        return False
    return members.gr_gid in os.getgrouplist(name, person.pw_gid)


def demand_override(group: str) -> None:
    """Raises InputError for anyone who may not."""
    if not may_override(group):
        raise InputError(
            f"only members of the group {group} may do this", f"ask the DSI, or be added: usermod -aG {group} NAME"
        )
