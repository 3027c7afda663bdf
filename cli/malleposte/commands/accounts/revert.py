"""`malleposte accounts revert`: an import taken back by its plan."""

from __future__ import annotations

import datetime

import click

from malleposte.accounts import acts, here
from malleposte.accounts.plan import run
from malleposte.accounts.plan import store as plans
from malleposte.accounts.plan.revert import unfinished
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.feed import ALL, carry_through, texts
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.accounts.shared import emit
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import ExitCode


@click.command("revert", cls=HostCommand)
@click.argument("plan", metavar="ID")
@ALL
@YES
@AS_JSON
def revert_command(plan: str, whole_list: bool, yes: bool, as_json: bool) -> int:
    """Take an import back, by the id of its plan.

    Shows a plan of its own first, and asks. What the import changed gets its old values; an account that it created
    and nobody used goes without a trace, so that the corrected file gives the same log-in. Accounts that were
    activated, have mail or a device, are named elsewhere or changed since are listed and stay (exit code 4). Typed
    again after an interruption it ends in the same place, with what hosts hold of accounts that are gone already.

    \b
    Example:
      sudo ./malleposte accounts revert 20260901-081500-3f2a
      sudo ./malleposte accounts revert 20260901-081500-3f2a --all --yes --json
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        left = list(unfinished(plans.reverting(plan), tools.directory))
        failures = acts.follow_up(tools, left) if left else []
    for failure in failures:
        click.echo(f"malleposte: {failure}", err=True)
    reversal = run.make_revert(plan, settings, lambda directory: here.hosts(settings, directory))
    ident = plans.keep(reversal, datetime.datetime.now(datetime.UTC))
    if not as_json:
        emit(texts(reversal, settings, whole=whole_list))
    if reversal.changes:
        confirm("Take it back?", yes=yes)
    code = carry_through(ident, reversal, f"revert {plan}", forced=(), as_json=as_json)
    return code or (ExitCode.PARTLY if failures else ExitCode.DONE)
