"""`malleposte accounts idle-filters`: for a timer of the mail store."""

from __future__ import annotations

import os
from pathlib import Path

import click

from malleposte.accounts import facts
from malleposte.accounts.mailbox import idle
from malleposte.accounts.mailbox.outbound import by_smtp
from malleposte.core.errors import ExitCode, MallepostError

STATE = "told.json"


@click.command("idle-filters", hidden=True)
@click.option("--store", type=click.Path(path_type=Path), required=True, help="The mail store.")
@click.option("--deliver", required=True, metavar="DOMAIN", help="Domain under which a uid is delivered.")
@click.option("--smtp", default="127.0.0.1:25", metavar="HOST:PORT", help="Server that takes these mails.")
@click.argument("offered", nargs=-1, required=True, metavar="EXTENSION...")
def idle_filters_command(store: Path, deliver: str, smtp: str, offered: tuple[str, ...]) -> int:
    """Notify, once, the agents whose filters do not run (malleposte-filters.timer).

    \b
    Example:
      systemctl start malleposte-filters.service
    """
    folder = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/malleposte-filters"))
    failures: list[str] = []
    scripts = list(idle.find(store, offered, failures.append))
    try:
        fresh = idle.tell(scripts, facts.read(), deliver, folder / STATE, by_smtp(smtp), failures.append)
    except OSError as error:
        raise MallepostError(f"not everybody was told: {error}", "the timer tries again") from error
    click.echo(f"{len(scripts)} scripts do not run, {len(fresh)} owners told")
    for failure in failures:
        click.echo(failure, err=True)
    return ExitCode.PARTLY if failures else ExitCode.DONE
