"""The second factor of the probe's account: enrolled before the first walk, by whichever command walks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from malleposte.fleet import vault
from malleposte.probe import facts, ship
from malleposte.probe.model import Status
from malleposte.probe.walker.walk import SEED


def ensure_factor(inventory: Path, say: Callable[[str], None]) -> None:
    """Enrol the second factor of the probe's account where it has none; what hinders it is said, and the walk goes on.

    The seed is written down before the log-in page takes it for good, so that an interrupted enrolment is found again.
    """
    path = facts.accounts_file(inventory)
    if vault.read_table(path).get(facts.FACTOR_UID, {}).get("totp"):
        return
    site = facts.site(inventory)
    if not site.plan["factor"]:
        return
    for result in ship.run(site.ssh, {"plan": site.plan, "enrol": True}):
        table = vault.read_table(path)
        row = table[facts.FACTOR_UID]
        if result.name == SEED:
            row["totp_next"] = result.detail
        elif result.status is Status.OK:
            row["totp"] = row.pop("totp_next")
        else:
            say(f"the probe's second factor was not enrolled: {result.detail}")
        vault.write_table(path, table)
