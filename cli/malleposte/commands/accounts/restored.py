"""`malleposte accounts restored`: how the controller tells the journal of a restore on another host."""

from __future__ import annotations

import click

from malleposte.accounts.life import restored
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand


@click.command("restored", cls=HostCommand, hidden=True)
@click.argument("kind", type=click.Choice(restored.KINDS))
@WHO
@click.argument("what", default="")
@REASON
def restored_command(kind: str, who: str, what: str, reason: str) -> None:
    """Write a restore into the journal of accounts. `backup restore` does it.

    \b
    Example:
      sudo ./malleposte accounts restored folder mdupond Projets --reason "ticket 4711"
    """
    restored.note(Settings.read(), kind, who, what, reason)
