"""Acts that concern a host, and no account."""

from __future__ import annotations

import subprocess
from pathlib import Path

from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import EVERY_HOST, act, all_answer, failed, holding

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
