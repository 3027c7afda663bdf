"""`malleposte accounts revert`: an import taken back by its plan."""

from __future__ import annotations

import datetime
import itertools
import json

import click

from malleposte.accounts import here
from malleposte.accounts.plan import run
from malleposte.accounts.plan import store as plans
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.feed import ALL, FORCE, Planned, carried_out, shown, tell
from malleposte.commands.accounts.options import confirm
from malleposte.commands.accounts.shared import GROUP, emit
from malleposte.commands.options import AS_JSON, INVENTORY
from malleposte.core import paths
from malleposte.core.errors import ExitCode
from malleposte.fleet import remote


def taken_back(inventory: str | None, ident: str, *, whole: bool) -> Planned:
    """The plan that takes an import back, made here on a host, over ssh on the controller; the host keeps it."""
    if not paths.HOSTED:
        words = ["accounts", "revert", ident, "--headed", *(["--all"] if whole else [])]
        head, _, rest = remote.one(paths.inventory(inventory), GROUP).printed(words, b"").partition(b"\n")
        return Planned(**json.loads(head), text=(rest.decode(),))
    settings = Settings.read()
    made = run.make_revert(ident, settings, lambda directory: here.hosts(settings, directory))
    kept = plans.keep(made, datetime.datetime.now(datetime.UTC))
    text = (f"{line}\n" for line in shown(made, whole=whole))
    return Planned(kept, len(made.changes), len(made.left_alone), 0, "", text)


@click.command("revert")
@click.argument("plan", metavar="ID")
@INVENTORY
@ALL
@FORCE
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
@click.option("--headed", is_flag=True, hidden=True, help="Print the plan alone, first what the controller must know.")
def revert_command(
    plan: str, inventory: str | None, whole_list: bool, force_departures: bool, yes: bool, as_json: bool, headed: bool
) -> int:  # fmt: skip
    """Take an import back, by the id of its plan.

    Shows a plan of its own first, and asks. What the import changed gets its old values; an account that it created
    and nobody used goes without a trace, so that the corrected file gives the same log-in. Accounts that were
    activated, have mail or a device, are named elsewhere or changed since are listed and stay (exit code 4). Typed
    again after an interruption it ends in the same place.

    \b
    Example:
      sudo ./malleposte accounts revert 20260901-081500-3f2a
      sudo ./malleposte accounts revert 20260901-081500-3f2a --all --yes --json
    """
    found = taken_back(inventory, plan, whole=whole_list)
    if headed:
        emit(itertools.chain([found.head()], found.text))
        return ExitCode.DONE
    if not as_json:
        emit(found.text)
    if found.changes:
        confirm("Take it back?", yes=yes)
    answer = carried_out(inventory, found.ident, force=force_departures, quiet=as_json)
    code = tell(answer | {"left": found.rejected}, as_json=as_json)
    if code:
        click.echo(f"to finish it: malleposte accounts revert {plan}", err=True)
    return code or (ExitCode.PARTLY if found.rejected else ExitCode.DONE)
