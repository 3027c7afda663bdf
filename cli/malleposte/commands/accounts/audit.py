"""`malleposte accounts audit`: the acts of the help desk."""

from __future__ import annotations

import datetime
import json

import click

from malleposte.accounts import audit
from malleposte.accounts.disclosure.export import ACCOUNTD_JOURNAL
from malleposte.commands.accounts.shared import emit
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import InputError


@click.command("audit", cls=HostCommand)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Acts of that day (UTC) and later.")
@click.option("--actor", default="", metavar="UID", help="Acts of this person.")
@click.option("--account", default="", metavar="UID", help="Acts on this account.")
@AS_JSON
def audit_command(since: datetime.datetime | None, actor: str, account: str, as_json: bool) -> None:
    """Print the acts of the help desk, and what was refused to it, as CSV.

    Each line has who acted, on which account, and why. The columns are separated by semicolons, as French spreadsheets
    read them.

    \b
    Example:
      sudo ./malleposte accounts audit > assistance.csv
      sudo ./malleposte accounts audit --since 2026-11-01 --actor mdupond --json
    """
    begin = since.date().isoformat() if since else ""
    try:
        acts = audit.acts(ACCOUNTD_JOURNAL, since=begin, by=actor.lower(), account=account.lower())
        if as_json:
            click.echo(json.dumps(list(acts), ensure_ascii=False))
        else:
            emit(audit.table(acts))
    except OSError as error:
        raise InputError(
            f"{ACCOUNTD_JOURNAL}: {error.strerror}", "this works as root on the directory's host"
        ) from error
