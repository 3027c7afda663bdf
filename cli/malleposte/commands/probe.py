"""`malleposte probe`: whether mail flows, and is refused where it must be, seen from outside."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import click

from malleposte.commands.options import INVENTORY
from malleposte.core import paths
from malleposte.core.errors import InputError
from malleposte.fleet import reach, vault
from malleposte.probe import accounts, backups, enrolment, facts, passwords, report, updates
from malleposte.probe import run as probing
from malleposte.probe.model import Result, exit_code
from malleposte.probe.walker.walk import PATHS

FACTOR = "second-factor"
"""The path that needs an enrolled factor."""


def show(result: Result) -> None:
    """One table line, as soon as it is known."""
    name, status, rest = report.row(result)
    click.echo(name + click.style(status, fg=report.MARKS[result.status]) + rest)


def checked_names(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of --only, one by one or separated by commas. Raises InputError on an unknown one."""
    chosen = tuple(name for text in names for name in text.split(",") if name)
    for name in chosen:
        if name not in (*PATHS, updates.NAME) and not name.startswith(backups.PREFIX):
            raise InputError(f"no path {name!r}", f"known are {', '.join((*PATHS, updates.NAME))}")
    return chosen


def ensure_accounts(inventory: Path) -> None:
    """Make the probe's accounts where there are none; renew passwords that are old.

    Raises InputError when their passwords are lost.
    """
    table = facts.accounts_file(inventory)
    if table.exists() and facts.FACTOR_UID in vault.read_table(table):
        renew_passwords(inventory, table)
        return
    lost = accounts.seed(inventory).unknown
    if lost:
        raise InputError(f"{', '.join(lost)}: in the directory, but {table} is gone", "restore it or remove them there")


def complain(sentence: str) -> None:
    """Say it beside the table."""
    click.echo(sentence, err=True)


def renew_passwords(inventory: Path, table: Path) -> None:
    """Renew them when they are old. Raises MallepostError."""
    today = datetime.datetime.now(datetime.UTC).date()
    if passwords.due(table, today):
        where = reach.place(inventory)
        with reach.directory(inventory, where) as directory:
            passwords.renew(directory, where.domain, where.classes, table, today)


def walker(inventory: Path) -> Callable[[], list[Result]]:
    """The probe of an inventory, for an upgrade: as `malleposte probe` walks it, less the updates that wait."""

    def walk() -> list[Result]:
        ensure_accounts(inventory)
        enrolment.ensure_factor(inventory, complain)
        return list(probing.services(inventory))

    return walk


@click.command("probe")
@INVENTORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@click.option("--only", multiple=True, metavar="NAME", callback=checked_names, help="Walk this path only (repeatable).")
@click.option("--archive-hours", default=backups.Limits.hours, show_default=True, help="Age of a fresh archive.")
@click.option("--check-days", default=backups.Limits.days, show_default=True, help="Age of a fresh check of a vault.")
@click.pass_context
def command(
    context: click.Context,
    inventory: str | None,
    as_json: bool,
    only: tuple[str, ...],
    archive_hours: float,
    check_days: float,
) -> None:
    """Test every path end to end from outside, check the backups, and print a table.

    The probe acts as agents and external servers do, from the host of the inventory group `vantage`. Without such a
    host, tests that need one are "not tested". For each vault, a path `backup-<vault>` checks the age of every host's
    last archives and of their last check; `security-updates` checks that every host gets Debian's. The probe uses
    accounts of its own, created at its first run, and removes its messages.

    \b
    Exit codes: 0 all paths ok, 1 one failed, 2 bad input, 3 none failed but one was not tested.

    \b
    Example:
      sudo ./malleposte probe
      sudo ./malleposte probe -i inventories/standalone --only dns-tlsa --only certificate-25
    """
    results: list[Result] = []
    folder = paths.inventory(inventory)
    ensure_accounts(folder)
    if not only or FACTOR in only:
        enrolment.ensure_factor(folder, complain)
    if not as_json:
        click.echo(report.heading())
    for result in probing.walk(folder, only, backups.Limits(archive_hours, check_days)):
        results.append(result)
        if not as_json:
            show(result)
    click.echo(report.as_json(results) if as_json else report.summary(results))
    context.exit(exit_code(results))
