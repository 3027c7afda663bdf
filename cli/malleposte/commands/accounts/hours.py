"""`malleposte accounts hours`."""

from __future__ import annotations

from dataclasses import asdict

import click

from malleposte.accounts.mailbox.hours.model import OFF, State
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError


@click.command("hours", cls=HostCommand)
@WHO
@click.option("--off", is_flag=True, help="Turn them off: what waits comes to the inbox at once.")
@REASON
@AS_JSON
def hours_command(who: str, off: bool, reason: str, as_json: bool) -> None:
    """Show the hours in which mail comes to an agent's inbox, or turn them off.

    Outside them it waits in the folder « Hors horaires ». The agent sets them on the portal, « Mes horaires »; what was
    chosen there stays when they are turned off.

    \b
    Example:
      sudo ./malleposte accounts hours mdupond
      sudo ./malleposte accounts hours mdupond --off --reason "appel du 12 mars"
    """
    if reason and not off:
        raise InputError("a reason was given for no change", "add --off")
    with host(who) as (tools, _rules, _settings, uid):
        state: State = tools.hosts.set_hours(uid, OFF) if off else tools.hosts.hours(uid)
        if off:
            tools.journal.write("hours", uid, off=True, **({"note": reason} if reason else {}))
    answer({"uid": uid, **asdict(state)}, [f"{uid}: {line}" for line in _lines(state)], as_json=as_json)


def _lines(state: State) -> list[str]:
    hours = state.hours
    lines = [f"hours are {'on' if hours.on else 'off'}"]
    if hours.slots:
        lines.append(f"slots (days 1 to 7): {', '.join(map(str, hours.slots))}")
    if hours.rounds:
        lines.append(f"mail comes at {', '.join(hours.rounds)}")
    if hours.until:
        lines.append(f"no mail from {hours.since} to {hours.until}")
    if hours.holidays:
        lines.append("public holidays are quiet")
    if hours.school:
        lines.append(f"school holidays are quiet: {', '.join(hours.closed) or 'none are known'}")
    if hours.answer:
        lines.append("colleagues get an automatic answer")
    if hours.senders:
        lines.append(f"always through: {', '.join(hours.senders)}")
    if hours.recall or state.recalled:
        state_of = "on" if hours.recall else "off"
        lines.append(f"« Rappeler plus tard » is {state_of}, messages that will come back: {state.recalled}")
    now = "comes to the inbox" if state.opens else f"waits until {state.following or 'more than a year from now'}"
    return [*lines, f"mail that comes now {now}", f"messages waiting: {state.waiting}"]
