"""`malleposte accounts recovery`: means of recovery that wait, confirmed or given up."""

from __future__ import annotations

import click

from malleposte.accounts import acts, life
from malleposte.accounts.acts import Tools
from malleposte.accounts.plan.changes import Change
from malleposte.commands.accounts.context import now
from malleposte.commands.accounts.edit import edited
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON


@click.command("recovery", cls=HostCommand)
@WHO
@click.option(
    "--confirm/--cancel",
    "confirmed",
    default=None,
    required=True,
    help="Let the means that wait count at once, or give them up.",
)
@REASON
@AS_JSON
def recovery_command(who: str, confirmed: bool, reason: str, as_json: bool) -> int:
    """Settle a pending change of the means of recovery.

    A change on the portal becomes valid after 72 hours, and the old address is notified (accounts show lists it as
    "recovery next"). Check the identity of the person first: after --confirm, codes are sent to the new ones.

    \b
    Example:
      sudo ./malleposte accounts recovery mdupond --confirm --reason "seen at the desk with a card"
      sudo ./malleposte accounts recovery marie.dupond@ac-exemple.test --cancel --json
    """

    def what(tools: Tools, uid: str) -> list[Change]:
        entry = acts.entry(tools.directory, uid)
        return life.confirm_recovery(entry, now()) if confirmed else life.cancel_recovery(entry)

    done = "means of recovery confirmed" if confirmed else "means of recovery given up"
    return edited(who, reason, done, what, as_json=as_json)
