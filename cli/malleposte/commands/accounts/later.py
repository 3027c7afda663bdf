"""`malleposte accounts later`."""

from __future__ import annotations

import click
import msgspec

from malleposte.accounts.mailbox.later.model import Choice, Shown, Waiting
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.platform.times import iso


@click.command("later", cls=HostCommand)
@WHO
@click.option("--on/--off", "on", default=None, help="Turn « À envoyer » on, or off: what waits does not go then.")
@REASON
@AS_JSON
def later_command(who: str, on: bool | None, reason: str, as_json: bool) -> None:
    """Show what an agent has laid into « À envoyer » and when it goes, or turn that on or off.

    A message that the agent lays into a folder of « À envoyer » goes at its hour. The agent decides on the portal, «
    Mes envois », about what waits.

    \b
    Example:
      sudo ./malleposte accounts later mdupond
      sudo ./malleposte accounts later mdupond --off --reason "appel du 12 mars"
    """
    if reason and on is None:
        raise InputError("a reason was given for no change", "add --on or --off")
    with host(who) as (tools, _rules, _settings, uid):
        shown: Shown = tools.hosts.later(uid)
        if on is not None:
            shown = tools.hosts.set_later(uid, Choice(on))
            tools.journal.write("later", uid, **({"note": reason} if reason else {}), on=on)
    lines = [f"sending later is {'on' if shown.choice.on else 'off'}", *map(_line, shown.messages)]
    answer({"uid": uid, **msgspec.to_builtins(shown)}, [f"{uid}: {line}" for line in lines], as_json=as_json)


def _line(one: Waiting) -> str:
    if not one.id:
        return f"{one.folder}: does not go, no order was given"
    if one.reason:
        return f"{one.folder}: waits for its owner: {one.reason}{f' ({one.detail})' if one.detail else ''}"
    return f"{one.folder}: goes at {iso(int(one.due))}"
