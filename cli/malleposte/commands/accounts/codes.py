"""`malleposte accounts reset`: a new INA code for who lost the password or the letter."""

from __future__ import annotations

import json

import click

from malleposte.accounts import acts, codes
from malleposte.commands.accounts.shared import AS_JSON, HostCommand
from malleposte.commands.accounts.words import REASON, WHO, host, now
from malleposte.errors import ExitCode


@click.command("reset", cls=HostCommand)
@WHO
@click.option(
    "--days", type=click.FloatRange(0.01, 90), default=7.0, show_default=True, help="How long the code is good."
)
@REASON
@AS_JSON
def reset_command(who: str, days: float, reason: str, as_json: bool) -> int:
    """Give an account a new INA code, and print it once.

    With it and the NUMEN the agent chooses a password on the portal. A code that waited is void; the password that the
    account has stays good until then (to take it away at once: accounts block). Be sure of whom you give the code to.

    \b
    Example:
      sudo ./malleposte accounts reset mdupond --reason "seen at the desk, letter lost"
      sudo ./malleposte accounts reset marie.dupond@ac-exemple.test --days 1 --json
    """
    with host(who) as (tools, _rules, settings, uid):
        entry = acts.entry(tools.directory, uid)
        issued, change = codes.renew(entry, settings.keys(), now(), days, reason)
        acts.make(tools.directory, tools.journal, [change])
    if as_json:
        click.echo(json.dumps({"uid": uid, "code": issued.code, "expires": issued.expires.isoformat()}))
    else:
        click.echo(f"{uid}: INA code {issued.shown}, good once, until {issued.expires.astimezone():%Y-%m-%d %H:%M}")
    return ExitCode.DONE
