"""`malleposte accounts archiving`."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from malleposte.accounts.mailbox.archiving.model import State
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.platform import times


@click.command("archiving", cls=HostCommand)
@WHO
@click.option("--off", is_flag=True, help="Archive no more.")
@click.option("--undo", metavar="NIGHT", type=int, help="Put back what a night archived, and archive no more.")
@REASON
@AS_JSON
def archiving_command(who: str, off: bool, undo: int | None, reason: str, as_json: bool) -> None:
    """Show what an agent's nights archive of the inbox, turn it off, or put back what a night archived.

    The agent chooses it on the portal, « Archivage ». A night is named by its number, which is shown here.

    \b
    Example:
      sudo ./malleposte accounts archiving mdupond
      sudo ./malleposte accounts archiving mdupond --off --reason "appel du 12 mars"
      sudo ./malleposte accounts archiving mdupond --undo 1796092800
    """
    if off and undo is not None:
        raise InputError("--off and --undo were given", "--undo turns it off too")
    if reason and not off and undo is None:
        raise InputError("a reason was given for no change", "add --off or --undo")
    note = {"note": reason} if reason else {}
    with host(who) as (tools, _rules, _settings, uid):
        state: State = tools.hosts.archiving(uid)
        if off:
            state = tools.hosts.set_archiving(uid, replace(state.choice, months=0))
            tools.journal.write("archiving", uid, off=True, **note)
        if undo is not None:
            many = tools.hosts.undo_archiving(uid, undo)
            tools.journal.write("archiving-undo", uid, messages=many, **note)
            click.echo(f"{uid}: {many} messages are in the inbox again", err=True)
            state = tools.hosts.archiving(uid)
    answer({"uid": uid, **asdict(state)}, [f"{uid}: {line}" for line in _lines(state)], as_json=as_json)


def _lines(state: State) -> list[str]:
    choice, only = state.choice, f" with the label « {state.label} »" if state.choice.done else ""
    first = f"read mail older than {choice.months} months{only} is archived" if choice.months else "nothing is archived"
    nights = [
        f"night {at}, {times.local(at)}: "
        + ", ".join(f"{many} to {folder}" for folder, many in sorted(folders.items()))
        for at, folders in state.moved
    ]
    return [first, *nights]
