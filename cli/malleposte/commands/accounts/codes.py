"""`malleposte accounts reset`: a new INA code for an agent who lost the password or the letter."""

from __future__ import annotations

import click

from malleposte.accounts import acts
from malleposte.accounts.credentials import codes
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.platform.times import local


@click.command("reset", cls=HostCommand)
@WHO
@click.option(
    "--days", type=click.FloatRange(0.01, 90), default=7.0, show_default=True, help="Lifetime of the code, in days."
)
@REASON
@AS_JSON
def reset_command(who: str, days: float, reason: str, as_json: bool) -> None:
    """Give an account a new INA code, and print it once.

    With the code and the NUMEN, the agent chooses a password on the portal. Earlier codes become invalid; the present
    password remains valid until then (to end it at once: accounts block). Check the identity of the person first.
    An account without a NUMEN gets no code (accounts modify --numen gives it one).

    \b
    Example:
      sudo ./malleposte accounts reset mdupond --reason "seen at the desk, letter lost"
      sudo ./malleposte accounts reset marie.dupond@ac-exemple.test --days 1 --json
    """
    with host(who) as (tools, _rules, settings, uid):
        entry = acts.entry(tools.directory, uid)
        if not codes.opens(tools.directory, uid):
            raise InputError(
                f"{uid} has no NUMEN, without which a code opens nothing",
                f"give it one first: malleposte accounts modify {uid} --numen < numen.txt",
            )
        issued, change = codes.renew(entry, settings.keys(), now(), days, reason)
        acts.make(tools.directory, tools.journal, [change])
    line = f"{uid}: INA code {issued.shown}, good once, until {local(issued.expires)}"
    answer({"uid": uid, "code": issued.code, "expires": issued.expires.isoformat()}, [line], as_json=as_json)
